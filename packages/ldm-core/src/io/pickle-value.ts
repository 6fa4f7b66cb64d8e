import type { DType } from './dtype.js';
import type { Storage, StoredTensor } from './stored-tensor.js';

/** A name a pickle refers to, such as a class. Never looked up, never called. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  /** Dotted path, e.g. `collections.OrderedDict`. */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A tuple; lists are plain arrays. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A dictionary of any kind. Keys compare by value for primitives and classes, by identity for all others. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();

  /** The value of a string key, undefined if absent. */
  get(key: string): PickleValue | undefined {
    return this.entries.get(key);
  }
}

/** A set or frozenset; its members are not compared. */
export class PickleSet {
  constructor(readonly items: PickleValue[]) {}
}

/** An instance of a listed class: what the file says about it, without behaviour. */
export class PickleObject {
  /** What BUILD handed over (`__setstate__`'s argument or `__dict__`). */
  state: PickleValue = null;
  /** Items of a list subclass. */
  readonly items: PickleValue[] = [];
  /** Entries of a dict subclass. */
  readonly entries = new Map<PickleValue, PickleValue>();

  constructor(
    readonly type: PickleGlobal,
    readonly args: readonly PickleValue[],
  ) {}
}

/** What a persistent id stands for: a storage, or a window of one, seen as elements of a type. */
export class StorageView {
  constructor(
    readonly storage: Storage,
    /** Element type; `uint8` for untyped storages. */
    readonly dtype: DType,
    /** First element. */
    readonly offset: number,
    /** Number of elements. */
    readonly numel: number,
  ) {}
}

/** Anything a pickle can hold once parsed. Integers beyond 2^53 are bigint. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | PickleDict
  | PickleSet
  | PickleGlobal
  | PickleObject
  | StorageView
  | StoredTensor;
