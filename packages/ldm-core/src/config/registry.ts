import { z } from 'zod';
import type { Scope } from '../nn/scope.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { anyMapping, type FieldNotes, isTargetConfig, type TargetConfig, text } from './fields.js';
import { step } from './names.js';
import { findingPath, type ParseEvents, parseConfig, parseObject } from './object-parser.js';
import { nearest } from './suggest.js';
import type { AnyTarget, BuildContext, Peek, Role } from './target.js';
import { type ConfigTree, isTree, show } from './tree.js';

/** What a check needs to know besides the node: the config files that others name, by that name. */
export interface Surroundings {
  readonly files?: Readonly<Record<string, unknown>>;
}

/**
 * Every target that a config may name, by id. Immutable: a package exports its registry, and the package above extends
 * it. Ids are opaque; nothing is ever imported by them.
 */
export class Registry {
  private constructor(private readonly table: ReadonlyMap<string, AnyTarget>) {}

  /** A registry of these targets only. @throws Error if two share an id */
  static of(targets: readonly AnyTarget[]): Registry {
    return new Registry(new Map()).extend(targets);
  }

  /** This registry and more. @throws Error if an id is taken */
  extend(targets: readonly AnyTarget[]): Registry {
    const table = new Map(this.table);
    for (const target of targets) {
      if (table.has(target.id)) throw new Error(`registry: '${target.id}' is defined twice`);
      table.set(target.id, target);
    }
    return new Registry(table);
  }

  /** Every target, in order of definition. */
  get targets(): readonly AnyTarget[] {
    return [...this.table.values()];
  }

  /** The ids that fill a role. */
  idsOf(role: string): string[] {
    return this.targets.filter(({ roles }) => roles.some(({ name }) => name === role)).map(({ id }) => id);
  }

  /**
   * Every problem of a `{target, params}`, of what is nested in it, and between the parts.
   * @param path of the node in its file @param role that the node must fill
   */
  problems(node: unknown, role: string, path: string, surroundings: Surroundings = {}): ConfigProblem[] {
    const found: ConfigProblem[] = [];
    this.checkNode(node, { role }, path, new Walk(surroundings, (problem) => found.push(problem)));
    return found;
  }

  /** Every problem of an object that may hold targets, e.g. a whole file. */
  problemsOf(schema: z.ZodObject, raw: ConfigTree, path: string, surroundings: Surroundings = {}): ConfigProblem[] {
    const found: ConfigProblem[] = [];
    const walk = new Walk(surroundings, (problem) => found.push(problem));
    parseObject(schema, raw, path, this.events(walk));
    return found;
  }

  /** The names of config files that an object and its parts refer to, valid or not. */
  linksOf(schema: z.ZodObject, raw: ConfigTree): string[] {
    const links = new Set<string>();
    const walk = new Walk(
      {},
      () => {},
      (name) => links.add(name),
    );
    parseObject(schema, raw, '', this.events(walk));
    return [...links];
  }

  /**
   * Build what a node names. Declares parameters into the scope; takes no memory. Keys beside `target` and `params`, as a
   * file's model has, are not looked at.
   * @throws ConfigError listing every problem of the node
   */
  build<T>({ target, params }: TargetConfig, role: Role<T>, scope: Scope, surroundings: Surroundings = {}): T {
    const problems = this.problems({ target, ...(params && { params }) }, role.name, '', surroundings);
    if (problems.length > 0) throw new ConfigError(problems);
    return this.construct({ target, params }, role, scope, surroundings);
  }

  private construct<T>(node: TargetConfig, role: Role<T>, scope: Scope, surroundings: Surroundings): T {
    const target = this.table.get(node.target);
    if (!target?.roles.some(({ name }) => name === role.name)) {
      const message = `'${node.target}' is no target for the role '${role.name}'`;
      throw new ConfigError([{ path: 'target', message, suggestion: `wanted ${this.idsOf(role.name).join(' or ')}` }]);
    }
    if (target.build === undefined) throw new Error(`registry: nothing is built for '${node.target}'`);
    const config = parseConfig(target.schema, node);
    const context: BuildContext = {
      scope,
      build: (child, childRole, childScope) => this.construct(child, childRole, childScope, surroundings),
      linked: (name) => {
        const model = linkedModel(surroundings, name);
        if (model === undefined) {
          const message = 'this config was not given along';
          throw new ConfigError([
            { file: name, path: '', message, suggestion: 'put it under model_files by this name' },
          ]);
        }
        return model;
      },
    };
    // The table erases types; `defineTarget` ties the config to the schema and the result to the roles.
    return target.build(config as never, context) as T;
  }

  private checkNode(node: unknown, { role, beside }: FieldNotes, path: string, walk: Walk): void {
    if (role === undefined) return;
    if (!isTree(node)) {
      const suggestion = `write target: ${this.idsOf(role).join(' or ')}, and params: below it`;
      walk.problem({ path, message: `wanted a mapping {target, params}; got ${show(node)}`, suggestion });
      return;
    }
    const schema = z.strictObject({ ...beside?.shape, target: text(), params: anyMapping().optional() });
    const { fields } = parseObject(schema, node, path, {
      problem: (problem) =>
        walk.problem(
          problem.path === step(path, 'params')
            ? { ...problem, suggestion: 'write params: {} for none' }
            : problem.path === step(path, 'target')
              ? { ...problem, suggestion: `wanted ${this.idsOf(role).join(' or ')}` }
              : problem,
        ),
    });
    const id = fields.target;
    if (id === undefined) return;
    const target = this.table.get(id);
    const ids = this.idsOf(role);
    if (target === undefined || !ids.includes(id)) {
      const meant = nearest(id, ids) ?? nearestByClass(id, ids);
      walk.problem({
        path: step(path, 'target'),
        message: target === undefined ? `unknown target '${id}'` : `'${id}' cannot stand here`,
        suggestion: meant === undefined ? `wanted ${ids.join(' or ')}` : `did you mean '${meant}'?`,
      });
      return;
    }
    if (fields.params === undefined && node.params !== undefined) return;
    const below = step(path, 'params');
    const parsed = parseObject(target.schema, fields.params ?? {}, below, this.events(walk));
    for (const { needs, check } of target.across) {
      if (!needs.every((field) => field in parsed.fields)) continue;
      for (const finding of check(parsed.fields as never, this.peek(walk))) {
        walk.problem({ ...finding, path: findingPath(below, finding.path) });
      }
    }
  }

  private events(walk: Walk): ParseEvents {
    return {
      problem: walk.problem,
      noted: (notes, value, path) => {
        if (notes.role !== undefined && isTree(value)) this.checkNode(value, notes, path, walk);
        if (notes.link !== undefined && typeof value === 'string') this.checkLink(value, notes.link, path, walk);
      },
    };
  }

  private checkLink(name: string, role: string, path: string, walk: Walk): void {
    walk.onLink(name);
    const { files } = walk.surroundings;
    if (files === undefined || walk.seen.has(name)) return;
    if (!Object.hasOwn(files, name)) {
      const known = Object.keys(files);
      walk.problem({
        path,
        message: `names the config '${name}', which was not given along`,
        suggestion: known.length > 0 ? `given: ${known.join(', ')}` : 'give it along, as model_files of the config',
      });
      return;
    }
    const tree = files[name];
    const inFile = new Walk(walk.surroundings, (problem) => walk.problem({ file: name, ...problem }), walk.onLink);
    for (const other of [...walk.seen, name]) inFile.seen.add(other);
    this.checkNode(isTree(tree) ? tree.model : undefined, { role, beside: BESIDE_MODEL }, 'model', inFile);
  }

  private peek(walk: Walk): Peek {
    const parse = <S extends z.ZodObject>(node: TargetConfig, id: string, schema: S) =>
      isTargetConfig(node) && node.target === id
        ? parseObject(schema, node.params ?? {}, '', { problem: () => {} })
        : undefined;
    return {
      configOf: (node, id, schema) => parse(node, id, schema)?.config,
      fieldsOf: (node, id, schema) => parse(node, id, schema)?.fields,
      linked: (name) => linkedModel(walk.surroundings, name),
    };
  }
}

/** What stands beside target and params of a file's model. */
export const BESIDE_MODEL = z.strictObject({
  baseLearningRate: z
    .number({ error: 'wanted a positive number' })
    .positive({ error: 'wanted a positive number' })
    .optional(),
});

/** One pass over a config: where problems go, and which files it came through. */
class Walk {
  readonly seen = new Set<string>();

  constructor(
    readonly surroundings: Surroundings,
    readonly problem: (problem: ConfigProblem) => void,
    readonly onLink: (name: string) => void = () => {},
  ) {}
}

function linkedModel({ files }: Surroundings, name: string): TargetConfig | undefined {
  const tree = files !== undefined && Object.hasOwn(files, name) ? files[name] : undefined;
  const model = isTree(tree) ? tree.model : undefined;
  return isTargetConfig(model) ? model : undefined;
}

/** The id whose last part, the class, is nearest: modules get moved more often than classes get renamed. */
function nearestByClass(id: string, ids: readonly string[]): string | undefined {
  const last = (dotted: string) => dotted.slice(dotted.lastIndexOf('.') + 1);
  const meant = nearest(last(id), ids.map(last));
  return meant === undefined ? undefined : ids.find((candidate) => last(candidate) === meant);
}
