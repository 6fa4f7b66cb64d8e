/**
 * Gathers what GPU tests and benchmarks need on a machine without network: this repository's packages as built, the needed
 * part of node_modules, Node itself and a libtensorflow, as compressed pieces with their hashes.
 *
 *   node scripts/gpu/pack.mjs --out DIR [--library DIR] [--without cudnn,nccl] [--compress xz|zstd] [--piece-mib 64]
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findLibrary } from '../../packages/engine/library/index.mjs';
import { packArchive } from './archive.mjs';
import { filesOf, neededModules } from './modules.mjs';
import { checksums } from './pieces.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const packages = ['engine', 'ldm-core', 'codiff', 'trainer', 'cli'];
/** Where each package keeps what runs. */
const parts = ['src', 'dist', 'library', 'bin', 'test', 'package.json', 'tsconfig.json'];
// Vitest reads every project that the top tsconfig.json refers to.
const top = ['package.json', 'vitest.config.ts', 'tsconfig.json', 'packages/parity/tsconfig.json', 'scripts/gpu'];
/** What the packages need is found from them; these are the tools that run tests. */
const tools = ['vitest', 'tsx', 'fast-check', '@tensorflow/tfjs-backend-cpu'];

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    library: { type: 'string' },
    without: { type: 'string', default: '' },
    compress: { type: 'string', default: 'xz' },
    'piece-mib': { type: 'string', default: '64' },
  },
});
if (values.out === undefined) throw new Error('--out DIR is wanted: the folder to write the pieces into');
const { out, compress, without } = values;
const pieceBytes = Number(values['piece-mib']) * 2 ** 20;

for (const name of packages)
  if (!existsSync(join(root, 'packages', name, 'dist')))
    throw new Error(`packages/${name} is not built: run npm run build`);
const location = findLibrary(values.library === undefined ? {} : { env: { LIBTENSORFLOW_DIR: values.library } });
if (location === null)
  throw new Error('no libtensorflow was found: run node scripts/setup.mjs --gpu, or name its folder with --library');
if (existsSync(out) && readdirSync(out).length > 0) throw new Error(`${out} is not empty; name a new folder`);
mkdirSync(out, { recursive: true });

/** @param {string} folder @param {string[]} entries @returns {string[]} */
const existing = (folder, entries) =>
  entries.map((entry) => folder + entry).filter((path) => existsSync(join(root, path)));
const modules = neededModules(root, [...packages.map((name) => `@codiff/${name}`), ...tools]);
const own = [...top, ...packages.flatMap((name) => existing(`packages/${name}/`, parts))];
const files = [...modules, ...own].flatMap((path) => filesOf(root, path));

/** @type {[name: string, root: string, files: string[]][]} */
const archives = [
  ['code.packages', root, files],
  ['node.program', dirname(process.execPath), [basename(process.execPath)]],
  [
    'library.tensorflow',
    dirname(location.dir),
    [location.framework, location.cc].map((path) => `${basename(location.dir)}/${basename(path)}`),
  ],
];
const nvidia = join(dirname(location.dir), 'nvidia');
const left = without.split(',').filter((name) => name !== '');
if (existsSync(nvidia)) {
  const folders = readdirSync(nvidia);
  for (const name of left)
    if (!folders.includes(name)) throw new Error(`--without ${name}: the folders of nvidia are ${folders.join(', ')}`);
  for (const folder of folders.filter((name) => !left.includes(name)))
    archives.push([`library.${folder}`, dirname(nvidia), filesOf(dirname(nvidia), `nvidia/${folder}`)]);
}

const pieces = [];
for (const [name, from, paths] of archives) {
  const made = await packArchive(name, { root: from, files: paths, out, compress, pieceBytes });
  const bytes = made.reduce((sum, piece) => sum + piece.bytes, 0);
  console.log(`${name}: ${paths.length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB in ${made.length} piece(s)`);
  pieces.push(...made);
}
writeFileSync(join(out, 'library-folder'), `${basename(location.dir)}\n`);
writeFileSync(join(out, 'SHA256SUMS'), checksums(pieces));
copyFileSync(new URL('receive.sh', import.meta.url), join(out, 'receive.sh'));
console.log(`${pieces.length} pieces, SHA256SUMS and receive.sh are in ${out}`);
