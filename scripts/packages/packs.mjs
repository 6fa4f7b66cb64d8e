/**
 * Tries every package as its users will get it: packs it, unpacks it into an empty project, and imports each of its
 * exports from the build, without the sources and without the export condition of this workspace.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { npmCommand } from '../setup/modules.mjs';

/**
 * @typedef {object} PackageManifest
 * @property {string} name
 * @property {Record<string, string | Record<string, string>>} [exports]
 * @property {Record<string, string>} [bin]
 */

/**
 * @param {string} root the repository, built
 * @returns {import('../check/parts.mjs').Part[]} one a package
 */
export function packParts(root) {
  const folders = readdirSync(join(root, 'packages')).filter((name) =>
    existsSync(join(root, 'packages', name, 'package.json')),
  );
  /** @type {Promise<Project> | undefined} */
  let project;
  let left = folders.length;
  return folders.map((folder) => ({
    name: `package ${folder}: packs, and its exports load`,
    run: async () => {
      try {
        project ??= makeProject(root, folders);
        const problems = await tryPackage(await project, root, folder);
        return { ok: problems.length === 0, output: problems.join('\n') };
      } finally {
        left -= 1;
        if (left === 0)
          await project?.then(
            ({ dir }) => rmSync(dir, { recursive: true, force: true }),
            () => undefined,
          );
      }
    },
  }));
}

/** @typedef {{dir: string, files: Map<string, Set<string>>}} Project files: package name to what its archive holds */

/** @param {string} root @param {string[]} folders @returns {Promise<Project>} */
async function makeProject(root, folders) {
  const dir = mkdtempSync(join(tmpdir(), 'codiff-pack-'));
  const npm = npmCommand();
  const args = [
    'pack',
    '--json',
    '--pack-destination',
    dir,
    ...folders.flatMap((folder) => ['--workspace', `packages/${folder}`]),
  ];
  const packed = await run(npm.file, [...npm.args, ...args], root);
  if (packed.code !== 0) throw new Error(`npm pack failed with exit code ${packed.code}: ${packed.stderr.trim()}`);
  const modules = join(dir, 'node_modules');
  mkdirSync(join(modules, '@codiff'), { recursive: true });
  // What our packages depend on stands in from the repository; ours themselves come from the archives alone.
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@codiff' && !name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  /** @type {Project['files']} */
  const files = new Map();
  /** @type {{name: string, filename: string, files: {path: string}[]}[]} */
  const archives = Object.values(JSON.parse(packed.stdout));
  for (const { name, filename, files: list } of archives) {
    const target = join(modules, name);
    mkdirSync(target, { recursive: true });
    const untar = await run('tar', ['-xzf', join(dir, filename), '-C', target, '--strip-components=1'], dir);
    if (untar.code !== 0) throw new Error(`${filename} does not unpack: ${untar.stderr.trim()}`);
    files.set(name, new Set(list.map(({ path }) => path)));
  }
  return { dir, files };
}

/**
 * @param {Project} project
 * @param {string} root
 * @param {string} folder
 * @returns {Promise<string[]>} problems
 */
async function tryPackage({ dir, files }, root, folder) {
  /** @type {PackageManifest} */
  const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'));
  const held = files.get(manifest.name) ?? new Set();
  const problems = missingFiles(manifest, held);
  const licence = join(dir, 'node_modules', manifest.name, 'LICENSE');
  if (existsSync(licence) && !readFileSync(licence).equals(readFileSync(join(root, 'LICENSE')))) {
    problems.push(`packages/${folder}/LICENSE differs from the one at the top`);
  }
  const specifiers = Object.keys(manifest.exports ?? {}).map((subpath) => posix.join(manifest.name, subpath));
  const program = join(dir, `import-${folder}.mjs`);
  writeFileSync(program, `for (const name of ${JSON.stringify(specifiers)}) await import(name);\n`);
  const imported = await run(process.execPath, [program], dir);
  if (imported.code !== 0) problems.push(`importing ${specifiers.join(', ')} fails: ${imported.stderr.trim()}`);
  return problems;
}

/**
 * @param {PackageManifest} manifest
 * @param {Set<string>} held paths inside the archive
 * @returns {string[]}
 */
export function missingFiles(manifest, held) {
  /** @type {[string, string][]} */
  const wanted = [
    ['README.md', 'every package has one'],
    ['LICENSE', 'every package has one'],
  ];
  for (const [subpath, conditions] of Object.entries(manifest.exports ?? {})) {
    for (const [condition, target] of Object.entries(
      typeof conditions === 'string' ? { default: conditions } : conditions,
    )) {
      // The sources are for this workspace only; the condition is never set elsewhere.
      if (condition !== '@codiff/source') wanted.push([target, `exports "${subpath}" (${condition})`]);
    }
  }
  for (const [name, target] of Object.entries(manifest.bin ?? {})) wanted.push([target, `bin "${name}"`]);
  return wanted
    .map(([path, why]) => ({ path: posix.normalize(path), why }))
    .filter(({ path }) => !held.has(path))
    .map(({ path, why }) => `${manifest.name}: the archive lacks ${path} (${why})`);
}

/** @param {string} file @param {string[]} args @param {string} cwd @returns {Promise<{code: number | null, stdout: string, stderr: string}>} */
function run(file, args, cwd) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      out.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      out.stderr += chunk;
    });
    child.on('error', (error) => resolve({ code: null, stdout: '', stderr: error.message }));
    child.on('close', (code) => resolve({ code, ...out }));
  });
}
