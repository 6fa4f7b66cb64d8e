/** What differs between systems: the names of the two libraries, and which systems have a pinned build. */
import { LibraryError } from './errors.mjs';

/**
 * File names by `process.platform`, the preferred one first. The wheels say `_cc`; the official C archives and
 * tfjs-node's own download have the same C API in a library without that suffix; the Windows archive is one file.
 * @type {Record<string, {framework: string[], cc: string[]}>}
 */
const libraryNames = {
  linux: {
    framework: ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
    cc: ['libtensorflow_cc.so.2', 'libtensorflow.so.2', 'libtensorflow_cc.so', 'libtensorflow.so'],
  },
  darwin: {
    framework: ['libtensorflow_framework.2.dylib', 'libtensorflow_framework.dylib'],
    cc: ['libtensorflow_cc.2.dylib', 'libtensorflow.2.dylib', 'libtensorflow_cc.dylib', 'libtensorflow.dylib'],
  },
  win32: { framework: ['tensorflow.dll'], cc: ['tensorflow.dll'] },
};

/**
 * @param {string} platform as `process.platform`
 * @returns {{framework: string[], cc: string[]}} names to look for, the preferred one first
 */
export function namesFor(platform) {
  const names = libraryNames[platform];
  if (!names) throw new LibraryError('unsupported-platform', `no libtensorflow is known for the system '${platform}'`);
  return names;
}

/**
 * The row of the table for a system, or an error that says what to do on systems without one.
 * @param {import('./index.d.mts').WheelRow[]} table
 * @param {string} platform as `process.platform`
 * @param {string} arch as `process.arch`
 * @param {'cpu' | 'gpu'} build
 * @returns {import('./index.d.mts').WheelRow}
 */
export function rowFor(table, platform, arch, build) {
  const row = table.find((candidate) => candidate.platform === `${platform}-${arch}` && candidate.build === build);
  if (row) return row;
  throw new LibraryError('unsupported-platform', unsupportedMessage(table, platform, arch, build));
}

/** @param {import('./index.d.mts').WheelRow[]} table @param {string} platform @param {string} arch @param {string} build */
function unsupportedMessage(table, platform, arch, build) {
  if (platform === 'win32') {
    return (
      'set-up provides no libtensorflow for Windows. Either work inside WSL2, where the Linux build is downloaded, ' +
      'or set LIBTENSORFLOW_DIR to a folder that holds tensorflow.dll (the official C archive for Windows).'
    );
  }
  const have = table.map((row) => `${row.platform} (${row.build})`).join(', ');
  const other = build === 'gpu' ? ' Use --cpu, or' : ' To go on,';
  return (
    `no ${build} build is pinned for ${platform}-${arch}; there are ${have}.${other} set LIBTENSORFLOW_DIR ` +
    `to a folder that holds ${namesFor(platform).cc[0]} and ${namesFor(platform).framework[0]}.`
  );
}
