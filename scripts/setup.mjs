/**
 * Brings a fresh clone to work: node_modules as the lock file says, and libtensorflow. Plain Node, no dependency.
 * Every npm script that needs either begins with it; when nothing is to do it says nothing and takes 0.1 s.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  createProgress,
  isFull,
  LibraryError,
  notWritable,
  provideLibrary,
  withLock,
} from '../packages/engine/library/index.mjs';
import { installModules, whyInstall } from './setup/modules.mjs';

const usage = `node scripts/setup.mjs [--cpu | --gpu | --auto] [--modules-only] [--quiet]

Installs node_modules if they differ from package-lock.json, then finds libtensorflow: LIBTENSORFLOW_DIR, the user cache
(XDG_CACHE_HOME, else ~/.cache), a Python tensorflow of 2.16 or newer, or a download of the pinned wheels with pip.

  --cpu, --gpu     use this build, and remember it (otherwise: CUDA where an NVIDIA driver is present)
  --auto           forget a remembered build
  --modules-only   stop after node_modules
  --quiet          print errors only
  --help           print this`;

const root = fileURLToPath(new URL('..', import.meta.url));
const interrupted = new AbortController();
// The exit codes of a shell: 128 and the signal's number.
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
for (const [name, code] of Object.entries(signals)) {
  process.once(name, () => {
    process.exitCode = code;
    interrupted.abort(new Error(`set-up was stopped by ${name}; nothing half done is left`));
  });
}

try {
  await setUp(process.argv.slice(2));
} catch (error) {
  if (interrupted.signal.aborted) console.error(interrupted.signal.reason.message);
  else
    console.error(
      error instanceof Error && (error instanceof LibraryError || error.message.startsWith('set-up:'))
        ? error.message
        : error,
    );
  process.exitCode ||= 1;
}

/** @param {string[]} args */
async function setUp(args) {
  const flag = { type: /** @type {const} */ ('boolean') };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: { cpu: flag, gpu: flag, auto: flag, 'modules-only': flag, quiet: flag, help: flag },
    }));
  } catch (error) {
    throw new Error(`set-up: ${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
  if (values.help) {
    console.log(usage);
    return;
  }
  const builds = /** @type {const} */ (['cpu', 'gpu', 'auto']).filter((build) => values[build]);
  if (builds.length > 1) throw new Error(`set-up: --${builds.join(' and --')} exclude each other`);
  const progress = createProgress(values.quiet ? { write: () => true } : process.stderr);
  const { signal } = interrupted;

  if (whyInstall(root)) {
    await withLock(
      join(root, '.cache', 'setup.lock'),
      async () => {
        const why = whyInstall(root);
        if (!why) return;
        progress.note(`installing node_modules: ${why}`);
        await installModules(root, { signal });
      },
      { signal, onWait: () => progress.note('another set-up installs node_modules; waiting for it') },
    ).catch((error) => {
      throw whyNotInstalled(error);
    });
  }
  if (values['modules-only']) return;

  const { library, downloaded } = await provideLibrary({ build: builds[0], progress, signal });
  if (downloaded)
    progress.note(`libtensorflow ${library.version} (${library.gpu ? 'CUDA' : 'CPU'} build) is in ${library.dir}`);
}

/** @param {unknown} error @returns {unknown} one that says what to do where the repository cannot be written */
function whyNotInstalled(error) {
  if (isFull(error))
    return new Error(`set-up: the disk of ${root} is full: free some space, and node_modules is installed`, {
      cause: error,
    });
  return (
    notWritable(error, root, {
      what: 'set-up: the repository',
      advice:
        'give yourself the right to write there, or clone it to a folder of your own: node_modules is installed in it',
    }) ?? error
  );
}
