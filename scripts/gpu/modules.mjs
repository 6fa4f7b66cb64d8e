/** Which files of node_modules and of the packages are needed to run tests and benchmarks, and no more. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Tools of development that nothing loads at run time. */
const unneeded = /^(?:typescript|@typescript\/.*|@biomejs\/.*|@types\/.*)$/;

/** Files of a package that nothing loads: types, maps, texts, and tfjs's bundles for browsers. */
const skipped =
  /\.(?:map|d\.[cm]?ts|md|markdown|tsbuildinfo)$|\/@tensorflow\/[^/]+\/dist\/(?:bin\/|tf[^/]*(?<!\.node)\.js$)/;

/** @param {string} dir @returns {Record<string, any>} its package.json */
const manifestOf = (dir) => JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));

/**
 * @param {string} name
 * @param {string} from folder of the package that asks for it
 * @param {string} root where the search ends
 * @returns {string | null} folder, as Node would find it
 */
function resolvePackage(name, from, root) {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dir === root || dir === dirname(dir)) return null;
  }
}

/**
 * The packages that a few need, and what those need in turn.
 * @param {string} root of the repository
 * @param {readonly string[]} names the first ones, as found from the root
 * @returns {string[]} their folders relative to the root, sorted; links stand for themselves
 */
export function neededModules(root, names) {
  /** @type {Set<string>} */
  const found = new Set();
  const visit = (/** @type {string} */ name, /** @type {string} */ from, /** @type {boolean} */ optional) => {
    if (unneeded.test(name)) return;
    const dir = resolvePackage(name, from, root);
    if (dir === null) {
      if (optional) return;
      throw new Error(
        `${name}, which ${relative(root, from) || 'this repository'} needs, is not installed: run npm run setup`,
      );
    }
    if (found.has(dir)) return;
    found.add(dir);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifestOf(dir);
    for (const other of Object.keys(dependencies)) visit(other, dir, other in optionalDependencies);
    for (const other of Object.keys({ ...optionalDependencies, ...peerDependencies })) visit(other, dir, true);
  };
  for (const name of names) visit(name, root, false);
  return [...found].map((dir) => relative(root, dir).split(sep).join('/')).sort();
}

/**
 * A file, or the files below a folder, that are worth sending. Packages nested in its node_modules are packages of their own.
 * @param {string} root
 * @param {string} path relative to the root; a link is one entry
 * @returns {string[]} relative to the root
 */
export function filesOf(root, path) {
  const kind = lstatSync(join(root, path));
  if (kind.isSymbolicLink()) return [path];
  if (!kind.isDirectory()) return skipped.test(`/${path}`) ? [] : [path];
  return readdirSync(join(root, path))
    .filter((name) => name !== 'node_modules')
    .flatMap((name) => filesOf(root, `${path}/${name}`));
}
