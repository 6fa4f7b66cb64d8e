/** Reads what the import check looks at: every source of every package, and the manifests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/**
 * @param {string} root the repository
 * @returns {import('./import-law.mjs').Workspace}
 */
export function readWorkspace(root) {
  /** @type {import('./import-law.mjs').Workspace['files']} */
  const files = new Map();
  /** @type {import('./import-law.mjs').Workspace['manifests']} */
  const manifests = new Map();
  for (const folder of readdirSync(join(root, 'packages'))) {
    const home = join(root, 'packages', folder);
    if (!existsSync(join(home, 'package.json'))) continue;
    manifests.set(folder, JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')));
    for (const part of ['bin', 'src', 'test', 'library']) {
      if (!existsSync(join(home, part))) continue;
      for (const entry of readdirSync(join(home, part), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.m?[jt]s$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        files.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'));
      }
    }
  }
  return { files, manifests, root: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) };
}
