/** Every name that a package exports has a TSDoc comment where it is declared. */
import { posix } from 'node:path';

/** Where packages export their names. */
const entries = [
  'packages/ldm-core/src/index.ts',
  'packages/ldm-core/src/node/index.ts',
  'packages/codiff/src/index.ts',
  'packages/codiff/src/node/index.ts',
  'packages/trainer/src/index.ts',
  'packages/engine/src/index.ts',
];

/**
 * @param {ReadonlyMap<string, string>} files path from the repository's root, with forward slashes, to its text
 * @returns {string[]} one line a name without a comment or without a declaration, sorted; empty when all is well
 */
export function checkPublicDocs(files) {
  /** @type {Set<string>} */
  const problems = new Set();
  for (const entry of entries) {
    const source = files.get(entry);
    if (source === undefined) continue;
    for (const { name, from } of exportsOf(source)) {
      const problem = problemOf(files, resolve(entry, from), name, new Set());
      if (problem) problems.add(problem);
    }
  }
  return [...problems].sort();
}

/** @param {string} path @param {string} specifier */
const resolve = (path, specifier) => posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');

/**
 * @param {string} source
 * @returns {{ name: string | null, exported: string, from: string }[]} re-exports; name null stands for the whole file
 */
function exportsOf(source) {
  const found = [];
  for (const [, names = '', from = ''] of source.matchAll(/^export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/gm)) {
    for (const item of names.split(',').map((text) => text.trim())) {
      const [, name, as] = /^(?:type\s+)?(\w+)(?:\s+as\s+(\w+))?$/.exec(item) ?? [];
      if (name) found.push({ name, exported: as ?? name, from });
    }
  }
  for (const [, as, from = ''] of source.matchAll(/^export\s+\*\s*(?:as\s+(\w+)\s+)?from\s*'([^']+)'/gm)) {
    found.push({ name: null, exported: as ?? '*', from });
  }
  return found;
}

/**
 * @param {ReadonlyMap<string, string>} files
 * @param {string} path of the file that should declare the name
 * @param {string | null} name null: everything the file exports
 * @param {Set<string>} seen
 * @returns {string | undefined}
 */
function problemOf(files, path, name, seen) {
  const source = files.get(path);
  if (source === undefined) return `${path}: not found`;
  if (name === null) {
    const names = [...source.matchAll(declaration('(\\w+)'))].map(([, , declared = '']) => declared);
    return names.map((each) => problemOf(files, path, each, seen)).find((problem) => problem);
  }
  const found = [...source.matchAll(declaration(`(${name})`))];
  for (const { index } of found) {
    if (hasComment(source.slice(0, index))) continue;
    const line = source.slice(0, index).split('\n').length;
    return `${path}:${line}: '${name}' is public and has no TSDoc comment`;
  }
  if (found.length > 0) return undefined;
  const onward = exportsOf(source).find(({ exported }) => exported === name);
  if (onward === undefined || seen.has(path)) return `${path}: '${name}' is exported from here, but not declared here`;
  seen.add(path);
  return problemOf(files, resolve(path, onward.from), onward.name, seen);
}

/** An exported declaration at the start of a line. @param {string} name a regular expression with one group */
const declaration = (name) =>
  new RegExp(
    `^export\\s+(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(const|let|function\\*?|class|interface|type|enum)\\s+${name}\\b`,
    'gm',
  );

/** Whether text ends in a TSDoc comment. An overload shares the comment of the first. @param {string} before */
function hasComment(before) {
  const text = before.trimEnd();
  if (/^export (?:async )?function .*;$/m.test(text.slice(text.lastIndexOf('\n') + 1))) return true;
  if (!text.endsWith('*/')) return false;
  const start = text.lastIndexOf('/*');
  return text.startsWith('/**', start) && text.slice(start + 3, -2).trim() !== '';
}
