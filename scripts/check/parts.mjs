/** The parts of `npm run check`: each is one command or one function, and each counts as one test in `npm test`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkImports } from './import-law.mjs';
import { checkPublicDocs } from './public-docs.mjs';
import { readWorkspace } from './workspace.mjs';

/**
 * @typedef {object} PartResult
 * @property {boolean} ok
 * @property {string} output what to print when it is not ok
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {() => Promise<PartResult>} run
 */

/**
 * @param {string} root the repository
 * @returns {Part[]}
 */
export function checkParts(root) {
  const bin = (/** @type {string} */ name, /** @type {string[]} */ ...args) => runTool(root, name, args);
  return [
    { name: 'types: packages', run: () => bin('tsc', '--build') },
    { name: 'types: tests, scripts and plain JavaScript', run: () => bin('tsc', '--project', 'tsconfig.test.json') },
    { name: 'lint', run: () => bin('biome', 'check', '--formatter-enabled=false', '--error-on-warnings') },
    { name: 'format', run: () => bin('biome', 'format') },
    {
      name: 'imports: direction, deep imports, Node in browser code, cycles',
      run: async () => {
        const problems = checkImports(readWorkspace(root));
        return { ok: problems.length === 0, output: problems.join('\n') };
      },
    },
    {
      name: 'comments: TSDoc on every public name',
      run: async () => {
        const problems = checkPublicDocs(readWorkspace(root).files);
        return { ok: problems.length === 0, output: problems.join('\n') };
      },
    },
  ];
}

/**
 * Runs an installed tool through this Node, so that no shell and no PATH is involved.
 * @param {string} root
 * @param {string} name of the file in node_modules/.bin
 * @param {string[]} args
 * @returns {Promise<PartResult>}
 */
function runTool(root, name, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', '.bin', name), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ ok: false, output: `${name} could not be started: ${error.message}` }));
    child.on('close', (code, signal) =>
      resolve({ ok: code === 0, output: output.trim() || `${name} ended with ${signal ?? code}` }),
    );
  });
}

/**
 * Runs every part, whatever the others say.
 * @param {Part[]} parts
 * @param {(line: string) => void} print
 * @returns {Promise<{passed: number, failed: number}>}
 */
export async function runParts(parts, print) {
  let failed = 0;
  for (const part of parts) {
    const started = performance.now();
    const { ok, output } = await part.run().catch((error) => ({ ok: false, output: String(error?.stack ?? error) }));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    print(`${ok ? 'ok    ' : 'FAILED'} ${part.name} (${seconds} s)`);
    if (ok) continue;
    failed += 1;
    print(output.replace(/^/gm, '       '));
  }
  return { passed: parts.length - failed, failed };
}
