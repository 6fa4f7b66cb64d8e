/** The Node releases that this repository is tested with, and how to get one: npm carries them as packages. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { npmCommand } from '../setup/modules.mjs';

/**
 * Exact releases, and the SHA-512 of the Linux x64 package as npm writes it, computed from the files. On other systems
 * npm's own check against the registry has to do.
 * @type {Record<string, {version: string, x64: string}>}
 */
export const nodes = {
  20: {
    version: '20.20.2',
    x64: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  22: {
    version: '22.23.3',
    x64: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
  24: {
    version: '24.21.0',
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  26: {
    version: '26.10.0',
    x64: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
};

/**
 * @param {string} major such as `22`
 * @param {string} cache folder that keeps fetched releases
 * @param {{platform?: string, arch?: string, pack?: typeof npmPack}} [options]
 * @returns {string} path of the program
 */
export function provideNode(major, cache, { platform = process.platform, arch = process.arch, pack = npmPack } = {}) {
  const release = nodes[major];
  if (!release) throw new Error(`Node ${major} is not among the tested versions: ${Object.keys(nodes).join(', ')}`);
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new Error(
      `npm carries Node for Linux x64 and arm64, this is ${platform} ${arch}; run the tests with each Node that you have`,
    );
  }
  const home = join(cache, `${release.version}-${platform}-${arch}`);
  const program = join(home, 'bin', 'node');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, '.staging-'));
  try {
    const name = `node-${platform}-${arch}@${release.version}`;
    const { file, integrity } = pack(name, staging);
    if (arch === 'x64' && integrity !== release.x64)
      throw new Error(`${name} has ${integrity}, wanted is ${release.x64}; it is not used`);
    const { status, stderr } = spawnSync('tar', ['-xzf', file, '-C', staging, 'package/bin/node'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${name} does not unpack: ${stderr}`);
    rmSync(home, { recursive: true, force: true });
    renameSync(join(staging, 'package'), home);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return program;
}

/**
 * @param {string} name `package@version`
 * @param {string} dir where the archive goes
 * @returns {{file: string, integrity: string}} integrity as npm computed it from the file
 */
function npmPack(name, dir) {
  const npm = npmCommand();
  const args = [...npm.args, 'pack', name, '--json', '--pack-destination', dir];
  const { status, stdout, stderr } = spawnSync(npm.file, args, { encoding: 'utf8', cwd: dir });
  if (status !== 0) throw new Error(`npm could not fetch ${name}: ${stderr.trim()}`);
  const [archive] = Object.values(JSON.parse(stdout));
  return { file: join(dir, archive.filename), integrity: archive.integrity };
}
