/**
 * The import law of this repository, as data and as a check: packages import downwards only, by package name; the parts
 * of the library that must run in a browser touch no Node API; no file cycles.
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { scanImports, stripSource } from './scan-imports.mjs';

/** Which of our packages a package's own code may import. Tests may import any of them. */
export const mayImport = {
  engine: [],
  'ldm-core': [],
  codiff: ['ldm-core'],
  trainer: ['ldm-core', 'codiff'],
  parity: ['ldm-core', 'codiff', 'trainer', 'engine'],
  cli: ['ldm-core', 'codiff', 'trainer', 'engine'],
};

/** Packages whose code outside src/node/ must run in a browser. */
export const browserPackages = ['ldm-core', 'codiff'];

const nodeGlobals =
  /(?:(?<![\w$.'"])|(?<=\b(?:globalThis|global)\s*\??\.\s*))(process|Buffer|__dirname|__filename|require|setImmediate|clearImmediate)(?![\w$'"]|\s*\??:)/g;

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {Record<string, unknown>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 *
 * @typedef {object} Workspace
 * @property {Map<string, string>} files path from the repository's root, with forward slashes, to its text
 * @property {Map<string, Manifest>} manifests package folder name (`ldm-core`) to its package.json
 * @property {Manifest} root the top package.json, whose devDependencies every test may use
 */

/**
 * @param {Workspace} workspace
 * @returns {string[]} one line a violation, sorted; empty when the law is kept
 */
export function checkImports(workspace) {
  /** @type {string[]} */
  const problems = [];
  for (const [path, source] of workspace.files) {
    for (const found of scanImports(source)) {
      const problem = checkImport(workspace, path, found.specifier);
      if (problem) problems.push(`${path}:${found.line}: ${problem}`);
    }
    problems.push(...checkNodeGlobals(path, source));
  }
  for (const cycle of findCycles(importGraph(workspace))) problems.push(`import cycle: ${cycle.join(' -> ')}`);
  return problems.sort();
}

/** @param {string} path */
const packageOf = (path) => /^packages\/([^/]+)\//.exec(path)?.[1];

/** Code that is not shipped: unit tests, end-to-end tests and their helpers. @param {string} path */
export const isTest = (path) => /\.test\.ts$/.test(path) || /^packages\/[^/]+\/test\//.test(path);

/** @param {string} path */
const mustRunInBrowser = (path) => {
  const own = packageOf(path);
  return (
    own !== undefined && browserPackages.includes(own) && !isTest(path) && !/^packages\/[^/]+\/src\/node\//.test(path)
  );
};

/**
 * @param {Workspace} workspace
 * @param {string} path importing file
 * @param {string} specifier
 * @returns {string | undefined}
 */
function checkImport(workspace, path, specifier) {
  const own = packageOf(path);
  if (own === undefined) return undefined;
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier);
    // Test helpers are not shipped, so tests of one package may use those of another.
    const shared = isTest(path) && /^packages\/[^/]+\/test\//.test(target);
    if (packageOf(target) !== own && !shared)
      return `'${specifier}' leaves the package; import another package by its name`;
    if (path.endsWith('.ts') && !/\.(m?js|json)$/.test(specifier))
      return `'${specifier}' needs its file extension ('.js')`;
    return undefined;
  }
  if (isBuiltin(specifier)) {
    if (mustRunInBrowser(path)) return `'${specifier}' is a Node module; only src/node/ may use those in ${own}`;
    return specifier.startsWith('node:') ? undefined : `write 'node:${specifier}' instead of '${specifier}'`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const target = [...workspace.manifests].find(([, manifest]) => manifest.name === name);
  const manifest = workspace.manifests.get(own);
  const declared = { ...manifest?.dependencies };
  if (isTest(path)) Object.assign(declared, manifest?.devDependencies, workspace.root.devDependencies);
  if (target) {
    const [folder, { exports = {} }] = target;
    const subpath = `.${specifier.slice(name.length)}`;
    if (!(subpath in exports))
      return `'${specifier}' is a deep import: ${name} exports only ${Object.keys(exports).join(', ')}`;
    if (mustRunInBrowser(path) && subpath === './node')
      return `'${specifier}' uses Node; only src/node/ may import it in ${own}`;
    // An end-to-end test uses its package as others do.
    if (folder === own && isTest(path)) return undefined;
    if (folder === own) return `'${specifier}' imports its own package; use a relative path`;
    // Resolved through the workspace; a test of a lower package may compare itself with a higher one.
    if (isTest(path)) return undefined;
    const allowed = /** @type {Record<string, string[]>} */ (mayImport)[own];
    if (!allowed) return `packages/${own} has no place in the import law (scripts/check/import-law.mjs)`;
    if (!allowed.includes(folder))
      return `packages/${own} must not import ${name}; it may import ${allowed.join(', ') || 'none of our packages'}`;
  }
  if (!(name in declared)) return `'${name}' is not among the dependencies of packages/${own}/package.json`;
  return undefined;
}

/** @param {string} path @param {string} source @returns {string[]} */
function checkNodeGlobals(path, source) {
  if (!mustRunInBrowser(path)) return [];
  const { code } = stripSource(source);
  return [...code.matchAll(nodeGlobals)].map((match) => {
    const line = code.slice(0, match.index).split('\n').length;
    return `${path}:${line}: '${match[1]}' is a Node global; only src/node/ may use those`;
  });
}

/** @param {Workspace} workspace @returns {Map<string, string[]>} file to the files it imports, types included */
function importGraph({ files }) {
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const [path, source] of files) {
    const targets = scanImports(source)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => posix.join(posix.dirname(path), specifier))
      .map((target) => [target, target.replace(/\.js$/, '.ts')].find((candidate) => files.has(candidate)))
      .filter((target) => target !== undefined);
    graph.set(path, targets);
  }
  return graph;
}

/**
 * Strongly connected components with more than one file (Tarjan 1972), or a file that imports itself.
 * @param {Map<string, string[]>} graph
 * @returns {string[][]} each cycle as its files in import order, the first one repeated at the end
 */
export function findCycles(graph) {
  /** @type {Map<string, {index: number, low: number, onStack: boolean}>} */
  const state = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const cycles = [];
  const visit = (/** @type {string} */ node) => {
    const mine = { index: state.size, low: state.size, onStack: true };
    state.set(node, mine);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      const seen = state.get(next);
      if (!seen) mine.low = Math.min(mine.low, visit(next));
      else if (seen.onStack) mine.low = Math.min(mine.low, seen.index);
    }
    if (mine.low === mine.index) {
      const members = stack.splice(stack.indexOf(node));
      for (const member of members) {
        const memberState = state.get(member);
        if (memberState) memberState.onStack = false;
      }
      if (members.length > 1 || graph.get(node)?.includes(node)) cycles.push(shortestCycle(graph, members));
    }
    return mine.low;
  };
  for (const node of graph.keys()) if (!state.has(node)) visit(node);
  return cycles;
}

/** @param {Map<string, string[]>} graph @param {string[]} members of one component @returns {string[]} */
function shortestCycle(graph, members) {
  const start = [...members].sort()[0] ?? '';
  /** @type {Map<string, string>} */
  const cameFrom = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const path = [start];
        for (let at = node; at !== start; at = cameFrom.get(at) ?? start) path.unshift(at);
        return [start, ...path];
      }
      if (members.includes(next) && !cameFrom.has(next)) {
        cameFrom.set(next, node);
        queue.push(next);
      }
    }
  }
  return members;
}
