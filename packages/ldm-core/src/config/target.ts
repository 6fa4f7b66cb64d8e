import type { z } from 'zod';
import type { Scope } from '../nn/scope.js';
import type { TargetConfig } from './fields.js';
import type { Finding } from './rules.js';

/** What a part does for its parent, e.g. `unet`: the schema of the parent asks for a role, a target fills it. */
export interface Role<T> {
  readonly name: string;
  /** Carries the type of what fills the role; never set. */
  readonly takes?: (built: T) => void;
}

/** A role whose targets build a T. */
export const defineRole = <T>(name: string): Role<T> => ({ name });

/** What a target's `build` is given besides its config. */
export interface BuildContext {
  /** Where the target declares its parameters. */
  readonly scope: Scope;
  /** Build a nested target. */
  build<T>(node: TargetConfig, role: Role<T>, scope: Scope): T;
  /** The model of another config file that this config names. @throws ConfigError if it was not given along */
  linked(name: string): TargetConfig;
}

/** What a rule between several targets may look at. */
export interface Peek {
  /** The config of a nested target, if it is of this id and valid. */
  configOf<S extends z.ZodObject>(node: TargetConfig, id: string, schema: S): z.output<S> | undefined;
  /** The fields of a nested target that are valid on their own, if it is of this id. */
  fieldsOf<S extends z.ZodObject>(node: TargetConfig, id: string, schema: S): Partial<z.output<S>> | undefined;
  /** The model of another config file that this config names, if it was given along. */
  linked(name: string): TargetConfig | undefined;
}

/** A condition between a target's config and its parts. Runs as soon as the fields it needs are valid. */
export interface AcrossRule<C> {
  readonly needs: readonly (keyof C & string)[];
  readonly check: (config: C, peek: Peek) => Iterable<Finding>;
}

/** Makes rules across targets; see {@link ruleOf}. */
export function acrossRuleOf<C>() {
  return <K extends keyof C & string>(
    needs: readonly K[],
    check: (config: Pick<C, K>, peek: Peek) => Iterable<Finding>,
  ): AcrossRule<C> => ({ needs, check });
}

/** A target of a config: its id, its arguments, and how it is built. */
export interface TargetDefinition<S extends z.ZodObject, T> {
  /** The dotted path of the original's class: an opaque name here. */
  readonly id: string;
  readonly schema: S;
  readonly roles: readonly Role<T>[];
  readonly across: readonly AcrossRule<z.output<S>>[];
  readonly build: (config: z.output<S>, context: BuildContext) => T;
}

/** A target whose types are forgotten, as a registry holds it. */
export interface AnyTarget {
  readonly id: string;
  readonly schema: z.ZodObject;
  readonly roles: readonly { readonly name: string }[];
  readonly across: readonly { readonly needs: readonly string[]; readonly check: AcrossRule<never>['check'] }[];
  /** Absent: the target is only described, for files that name it. */
  readonly build?: (config: never, context: BuildContext) => unknown;
}

/**
 * Binds an id to its arguments, its roles and its constructor.
 * @param across rules between this target and its parts
 */
export function defineTarget<S extends z.ZodObject, T>(
  id: string,
  schema: S,
  build: (config: z.output<S>, context: BuildContext) => T,
  roles: readonly Role<T>[],
  across: readonly AcrossRule<z.output<S>>[] = [],
): TargetDefinition<S, T> {
  return { id, schema, roles, across, build };
}

/** A target of which the arguments are known and nothing is built here, e.g. a callback of a training run. */
export const describeTarget = <S extends z.ZodObject>(
  id: string,
  schema: S,
  roles: readonly { readonly name: string }[],
  across: readonly AcrossRule<z.output<S>>[] = [],
): AnyTarget => ({ id, schema, roles, across });
