import type * as tf from '@tensorflow/tfjs-core';

/** How a parameter's first values are drawn. Data, not code, so that a spec can be printed and streamed to disk. */
export type Init =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'values'; readonly values: Float64Array | Float32Array }
  /** What another parameter of this shape starts with (a moving average starts as the weights). */
  | { readonly kind: 'copy'; readonly of: ParamSpec };

/**
 * Where a tensor lies in a checkpoint, if not as in memory. `shape` is the file's shape; `perm` lists, for each of our
 * axes, the file's axis it comes from. Without `perm` the elements have one order and only the shape differs.
 */
export interface FileLayout {
  readonly shape: readonly number[];
  readonly perm?: readonly number[];
}

/** One entry of a model's state: everything known about it before any memory is taken. */
export interface ParamSpec {
  /** The checkpoint's key (the original's `state_dict` name). */
  readonly key: string;
  /** Shape in memory. */
  readonly shape: readonly number[];
  /** `buffer`: state that no optimizer sees (noise schedule, batch-norm statistics). */
  readonly kind: 'parameter' | 'buffer';
  readonly dtype: 'float32' | 'int32';
  readonly init: Init;
  /** Absent where the file's layout is ours. */
  readonly file?: FileLayout;
  /** It is a factor of products, a matrix or a filter: what computing in half precision is about. */
  readonly factor?: true;
}

/** A checkpoint that a part of a model starts training from. Which weights it really gets is for the loader to say. */
export interface StartingPoint {
  /** Path of the checkpoint, as the config has it. */
  readonly file: string;
  /** Prefixes of the file's keys and the model's for them, first match wins; keys that match none stay. */
  readonly prefixMap: readonly (readonly [from: string, to: string])[];
  /** File keys with one of these prefixes are left out. */
  readonly ignoreKeys: readonly string[];
}

/** A typed name of one parameter: what a module keeps instead of a tensor. */
export interface ParamKey<R extends tf.Rank = tf.Rank> {
  readonly key: string;
  /** Carries the rank in the type only; never set. */
  readonly rank?: R;
}

/** What a declaration may add to name, shape and init. */
export interface ParamOptions {
  readonly file?: FileLayout;
  readonly dtype?: 'float32' | 'int32';
  /** See {@link ParamSpec}. */
  readonly factor?: true;
}

/**
 * Where modules declare their parameters: a path into the checkpoint's names, and the list all scopes of one model
 * share. Building a model fills the list and allocates no tensor.
 */
export class Scope {
  private constructor(
    /** Dotted prefix of this scope, without a trailing dot; empty at the root. */
    readonly path: string,
    private readonly table: Map<string, ParamSpec>,
    private readonly starts: StartingPoint[],
  ) {}

  /** A fresh, empty model. */
  static root(): Scope {
    return new Scope('', new Map(), []);
  }

  /** Every parameter and buffer declared so far in the whole model, in order of declaration. */
  get specs(): ReadonlyMap<string, ParamSpec> {
    return this.table;
  }

  /** Every checkpoint that parts of the model start from, in order of declaration: where two hold a key, the later one wins. */
  get startingPoints(): readonly StartingPoint[] {
    return this.starts;
  }

  /** The scope of a part, e.g. `scope.at('in_layers.2')`. */
  at(name: string | number): Scope {
    return new Scope(this.keyOf(String(name)), this.table, this.starts);
  }

  /** Declare a trainable parameter. @throws Error if the name is taken. */
  param<R extends tf.Rank>(
    name: string,
    shape: readonly number[],
    init: Init,
    options: ParamOptions = {},
  ): ParamKey<R> {
    return this.declare('parameter', name, shape, init, options);
  }

  /** Declare state that is stored but not trained. @throws Error if the name is taken. */
  buffer<R extends tf.Rank>(
    name: string,
    shape: readonly number[],
    init: Init,
    options: ParamOptions = {},
  ): ParamKey<R> {
    return this.declare('buffer', name, shape, init, options);
  }

  /**
   * Say that this part starts from a checkpoint; nothing is read. Call it after the parts inside have been declared.
   * @param prefixMap the file's prefixes and this scope's for them; by default its keys are this scope's
   */
  startFrom(
    file: string,
    ignoreKeys: readonly string[] = [],
    prefixMap: readonly (readonly [from: string, to: string])[] = [['', '']],
  ): void {
    const prefix = this.path === '' ? '' : `${this.path}.`;
    this.starts.push({ file, ignoreKeys, prefixMap: prefixMap.map(([from, to]) => [from, prefix + to]) });
  }

  private declare<R extends tf.Rank>(
    kind: ParamSpec['kind'],
    name: string,
    shape: readonly number[],
    init: Init,
    { file, dtype = 'float32', factor }: ParamOptions,
  ): ParamKey<R> {
    const key = this.keyOf(name);
    if (this.table.has(key)) throw new Error(`scope: '${key}' is declared twice`);
    this.table.set(key, { key, shape, kind, dtype, init, ...(file && { file }), ...(factor && { factor }) });
    return { key };
  }

  private keyOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}
