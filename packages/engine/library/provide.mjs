/** Provides libtensorflow: finds it, or downloads, verifies and unpacks the pinned wheels into the user cache. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheEntry, cacheRoot, markerName, readChoice, writeChoice } from './cache.mjs';
import { isFull, notWritable } from './disk.mjs';
import { LibraryError } from './errors.mjs';
import { searchLibrary } from './find.mjs';
import { own, ownerAlive, withLock } from './lock.mjs';
import { nvidiaDriver } from './nvidia.mjs';
import { findPip, pipDownload } from './pip.mjs';
import { namesFor, rowFor } from './platforms.mjs';
import { formatBytes, silent } from './progress.mjs';
import { oldestVersion, pinnedVersion, pinnedWheels } from './wheels.mjs';
import { extractEntry, readZipDirectory } from './zip.mjs';

const stagingPrefix = '.staging-';
const ownerName = 'owner.json';

/**
 * @param {import('./index.d.mts').ProvideOptions} [options]
 * @returns {Promise<import('./index.d.mts').ProvideResult>}
 */
export async function provideLibrary(options = {}) {
  const { env = process.env, home, platform = process.platform, arch = process.arch } = options;
  const { table = pinnedWheels, progress = silent, signal, freeBytes = askFreeBytes } = options;
  const root = cacheRoot(env, home);
  const search = () => searchLibrary({ env, home, platform, arch, hasDriver: options.hasDriver });
  const remember = (/** @type {'cpu' | 'gpu' | null} */ choice) => {
    try {
      writeChoice(root, choice);
    } catch (error) {
      if (!isFull(error)) throw unwritable(error, root) ?? error;
      throw new LibraryError(
        'disk-full',
        `the disk is full: the choice of a build cannot be kept in ${root}. Free some space, or set XDG_CACHE_HOME to a folder on another disk`,
        { cause: error },
      );
    }
  };
  if (options.build === 'auto') remember(null);
  const asked = options.build === 'auto' ? undefined : options.build;
  const forced = asked ?? readChoice(root) ?? undefined;

  const first = search();
  const enough = usable(first.library, forced, asked);
  if (enough) {
    if (asked) remember(asked);
    return { library: enough, downloaded: false, refused: first.refused };
  }

  const hasGpuBuild = table.some((row) => row.platform === `${platform}-${arch}` && row.build === 'gpu');
  const wantsGpu = () => hasGpuBuild && (options.hasDriver ?? nvidiaDriver() !== null);
  const build = forced ?? (wantsGpu() ? 'gpu' : 'cpu');
  const row = rowFor(table, platform, arch, build);
  const entry = cacheEntry(root, row.platform, build);
  const unpacked = row.wheels.reduce((sum, wheel) => sum + wheel.unpackedBytes, 0);
  const needed = unpacked + Math.max(...row.wheels.map((wheel) => wheel.bytes));
  for (const line of first.refused) progress.note(`not used: ${line}`);
  try {
    refuseUnpinned(row);
    const downloaded = await withLock(
      join(root, 'lock'),
      async () => {
        // Whoever held the lock before may have done the work.
        if (usable(search().library, forced, undefined)) return false;
        removeStale(root);
        const free = await freeBytes(root);
        if (free < needed) throw diskFull(root, needed, free);
        const pip = await findPip({ env, signal });
        if (!pip)
          throw new LibraryError(
            'no-pip',
            'no pip was found: neither python3 -m pip, python -m pip, pip3 nor pip runs',
          );
        await fill(entry, row, { root, pip, env, progress, signal });
        return true;
      },
      {
        onWait: (owner) =>
          progress.note(`another set-up${owner ? ` (process ${owner.pid})` : ''} is at work; waiting for it`),
        ...(signal ? { signal } : {}),
      },
    );
    if (asked) remember(asked);
    const last = search();
    if (!last.library) throw new LibraryError('incomplete', `${entry} was filled, but no library is found in it`);
    return { library: last.library, downloaded, refused: last.refused };
  } catch (error) {
    const full = isFull(error) ? diskFull(root, needed, await freeBytes(root).catch(() => 0), error) : null;
    const known = full ?? unwritable(error, root) ?? error;
    if (known instanceof LibraryError) throw withThreeWays(known, root, platform, first.refused);
    throw known;
  }
}

/**
 * @param {import('./index.d.mts').LibraryLocation | null} library what was found
 * @param {'cpu' | 'gpu' | undefined} forced by a flag now or earlier
 * @param {'cpu' | 'gpu' | undefined} asked by a flag now
 * @returns {import('./index.d.mts').LibraryLocation | null} the library when it will do
 */
function usable(library, forced, asked) {
  if (!library) return null;
  if (library.source === 'LIBTENSORFLOW_DIR') {
    if (asked !== 'gpu' || library.gpu) return library;
    throw new LibraryError(
      'unsupported-platform',
      `--gpu was asked for, but LIBTENSORFLOW_DIR, which comes first, names a build without CUDA (${library.dir}). Unset it, or drop --gpu.`,
    );
  }
  if (!forced) return library;
  // A Python package with CUDA is both builds in one; in the cache they are two.
  const matches = library.source === 'cache' ? library.gpu === (forced === 'gpu') : library.gpu || forced === 'cpu';
  return matches ? library : null;
}

/** @param {import('./index.d.mts').WheelRow} row */
function refuseUnpinned(row) {
  for (const { name, version, sha256 } of row.wheels) {
    if (sha256 !== null && /^[0-9a-f]{64}$/.test(sha256)) continue;
    throw new LibraryError(
      'not-pinned',
      `${name} ${version} (${row.build} build for ${row.platform}) has no SHA-256 in library/wheels.mjs, so it is not downloaded`,
    );
  }
}

/** Folders of set-ups that were killed. @param {string} root */
function removeStale(root) {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(stagingPrefix) || ownerAlive(join(root, name, ownerName))) continue;
    rmSync(join(root, name), { recursive: true, force: true });
  }
}

/**
 * Builds the whole entry in a folder beside it, and renames it when everything is on the disk.
 * @param {string} entry
 * @param {import('./index.d.mts').WheelRow} row
 * @param {{root: string, pip: string[], env: NodeJS.ProcessEnv, progress: import('./index.d.mts').Progress, signal?: AbortSignal | undefined}} options
 */
async function fill(entry, row, { root, pip, env, progress, signal }) {
  const staging = mkdtempSync(join(root, stagingPrefix));
  let release = () => {};
  try {
    release = own(join(staging, ownerName));
    const content = join(staging, 'content');
    mkdirSync(content);
    /** @type {import('./cache.mjs').Marker['files']} */
    const files = [];
    for (const wheel of row.wheels) {
      const inbox = mkdtempSync(join(staging, 'wheel-'));
      progress.start(`download ${wheel.name} ${wheel.version}`, wheel.bytes);
      const path = await pipDownload(wheel, inbox, { pip, env, signal, onBytes: progress.update });
      progress.end();
      await verify(path, wheel, signal);
      files.push(...(await unpack(path, wheel, content, { progress, signal })));
      await rm(inbox, { recursive: true, force: true });
    }
    const { framework, cc } = namesFor(row.platform.split('-')[0] ?? '');
    for (const name of [framework[0], cc[0]]) {
      if (files.some((file) => file.path === `tensorflow/${name}`)) continue;
      throw new LibraryError('corrupt', `${row.wheels[0]?.file} holds no tensorflow/${name}`);
    }
    const wheels = row.wheels.map(({ name, version, sha256 }) => ({ name, version, sha256 }));
    const marker = { format: 1, version: pinnedVersion, build: row.build, platform: row.platform, files, wheels };
    await writeFile(join(content, markerName), `${JSON.stringify(marker, null, 2)}\n`, { flush: true });
    await syncFolder(content);
    signal?.throwIfAborted();
    // What is there already is incomplete, or it would have been found.
    if (existsSync(entry)) await rename(entry, join(staging, 'replaced'));
    await rename(content, entry);
    await syncFolder(root);
  } finally {
    progress.end();
    release();
    await rm(staging, { recursive: true, force: true });
  }
}

/** @param {string} path @param {import('./index.d.mts').Wheel} wheel @param {AbortSignal | undefined} signal */
async function verify(path, wheel, signal) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) }))
    hash.update(chunk);
  const sha256 = hash.digest('hex');
  if (sha256 === wheel.sha256) return;
  const { size } = await stat(path);
  throw new LibraryError(
    'hash-mismatch',
    `the download of ${wheel.file} is not the pinned file: it has ${size} bytes and SHA-256 ${sha256}, ` +
      `wanted are ${wheel.bytes} bytes and ${wheel.sha256}. It was deleted; a proxy or mirror may have altered or cut it`,
  );
}

/**
 * What of a wheel is needed to run: the two libraries, the NVIDIA libraries and programs, and the licences.
 * @param {string} name
 * @returns {boolean}
 */
export function isNeeded(name) {
  if (/^[^/]+\.dist-info\/(?:[^/]+\/)*(?:LICENSE|License|NOTICE)[^/]*$/.test(name)) return true;
  if (name.startsWith('nvidia/')) return !/\/include\/|\.py$|\.a$|\.alt\.so/.test(name);
  return /^tensorflow\/(?:libtensorflow_(?:cc|framework)\.(?:so\.2|2\.dylib)|THIRD_PARTY_NOTICES\.txt)$/.test(name);
}

/**
 * @param {string} path
 * @param {import('./index.d.mts').Wheel} wheel
 * @param {string} content
 * @param {{progress: import('./index.d.mts').Progress, signal?: AbortSignal | undefined}} options
 * @returns {Promise<{path: string, bytes: number}[]>}
 */
async function unpack(path, wheel, content, { progress, signal }) {
  const entries = (await readZipDirectory(path)).filter(({ name }) => isNeeded(name));
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  progress.start(`unpack ${wheel.name}`, total);
  let done = 0;
  const onBytes = (/** @type {number} */ bytes) => {
    done += bytes;
    progress.update(done);
  };
  for (const entry of entries) await extractEntry(path, entry, content, { onBytes, ...(signal ? { signal } : {}) });
  progress.end();
  return entries.map(({ name, bytes }) => ({ path: name, bytes }));
}

/** @param {string} dir */
async function syncFolder(dir) {
  const handle = await open(dir, 'r');
  await handle.sync().finally(() => handle.close());
}

/** @param {string} dir @returns {Promise<number>} bytes that we may still write there */
async function askFreeBytes(dir) {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** @param {string} root @param {number} needed @param {number} free @param {unknown} [cause] the system's own error */
function diskFull(root, needed, free, cause) {
  // Space is not all that can be used up.
  const why =
    free >= needed
      ? `, so a quota or the number of files is what is used up (${/** @type {NodeJS.ErrnoException} */ (cause)?.code})`
      : '';
  return new LibraryError(
    'disk-full',
    `the disk is full: ${root} needs ${formatBytes(needed)} (libraries, and one wheel while it is unpacked), ` +
      `${formatBytes(free)} are free${why}. Free some space, or set XDG_CACHE_HOME to a folder on another disk`,
    { cause },
  );
}

/** @param {unknown} error @param {string} root @returns {LibraryError | null} */
const unwritable = (error, root) =>
  notWritable(error, root, {
    what: 'the cache folder',
    advice:
      'set XDG_CACHE_HOME to a folder that can be written, or LIBTENSORFLOW_DIR to a folder that holds the library',
  });

/** @param {LibraryError} error @param {string} root @param {string} platform @param {readonly string[]} refused */
function withThreeWays(error, root, platform, refused) {
  const names = namesFor(platform);
  const seen = refused.map((line) => `\nNot used: ${line}.`).join('');
  const message =
    `libtensorflow ${pinnedVersion} could not be provided: ${error.message.replace(/\.$/, '')}.${seen}\n` +
    'Three ways to provide it:\n' +
    `  1. set LIBTENSORFLOW_DIR to a folder that holds ${names.cc[0]} and ${names.framework[0]}\n` +
    "     (a Python environment's tensorflow folder, or an unpacked libtensorflow C archive);\n" +
    `  2. install TensorFlow ${oldestVersion} or newer for the python3 on your PATH: pip install tensorflow-cpu;\n` +
    '  3. where pip and a network are at hand, run `node scripts/setup.mjs` on a machine of the same system,\n' +
    `     and copy its cache folder to ${root} here.`;
  return new LibraryError(error.code, message, { cause: error });
}
