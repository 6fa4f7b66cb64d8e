/** Packs files into a compressed tar archive, cut into pieces. */
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { splitInto } from './pieces.mjs';

/**
 * Programs that compress from standard input to standard output; the receiving side needs the same one.
 * @type {Record<string, {suffix: string, command: string[]}>}
 */
export const compressors = {
  xz: { suffix: 'xz', command: ['xz', '-6', '--threads=0', '--stdout'] },
  zstd: { suffix: 'zst', command: ['zstd', '-10', '--threads=0', '--stdout', '--quiet'] },
};

/**
 * @param {string} name `<folder to unpack into>.<what it is>`
 * @param {{root: string, files: readonly string[], out: string, compress: string, pieceBytes: number}} options files are
 *   relative to root; links stay links
 * @returns {Promise<import('./pieces.mjs').Piece[]>}
 */
export async function packArchive(name, { root, files, out, compress, pieceBytes }) {
  const compressor = compressors[compress];
  if (compressor === undefined)
    throw new Error(`'${compress}' is not one of ${Object.keys(compressors).join(', ')}, which can compress`);
  const [program = '', ...args] = compressor.command;
  const tar = spawn('tar', ['--create', '--file=-', `--directory=${root}`, '--null', '--files-from=-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const packed = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ends = [ended(tar, 'tar'), ended(packed, program)];
  for (const { stdin } of [tar, packed]) stdin.on('error', () => {}); // its program has ended, and says why
  tar.stdout.pipe(packed.stdin);
  tar.stdin.end(files.map((file) => `${file}\0`).join(''));
  // Taken at once: what nobody reads when a program ends, Node throws away.
  const pieces = splitInto(packed.stdout.pipe(new PassThrough()), out, `${name}.tar.${compressor.suffix}`, pieceBytes);
  const [made] = await Promise.all([pieces, ...ends]);
  return made;
}

/** @param {import('node:child_process').ChildProcess} child @param {string} name @returns {Promise<void>} */
function ended(child, name) {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${name} could not be started: ${error.message}; install it`)));
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${name} ended with ${code ?? signal}; what it said is above`)),
    );
  });
}
