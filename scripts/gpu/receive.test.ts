import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compressors, packArchive } from './archive.mjs';
import { checksums, type Piece } from './pieces.mjs';

const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const usable = process.platform === 'linux' && ['bash', 'tar', 'sha256sum'].every(has);
const script = fileURLToPath(new URL('receive.sh', import.meta.url));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-receive-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lay = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text, { mode });
};
const receive = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('bash', [script, ...args], { cwd: dir, encoding: 'utf8' });
  return { status, stdout, stderr };
};

/** A small load: a program that says how it was started, in place of tests and benchmarks. */
async function pack(compress: string): Promise<Piece[]> {
  lay('made/scripts/gpu/run.mjs', 'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));');
  lay('made/data', 'abcdefghij'.repeat(40_000));
  symlinkSync('data', join(dir, 'made/link'));
  lay('made/node', `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, 0o755);
  lay('made/tensorflow/libtensorflow_cc.so.2', 'library');
  const options = { root: join(dir, 'made'), out: join(dir, 'out'), compress, pieceBytes: 100 };
  const pieces = [
    ...(await packArchive('code.packages', { ...options, files: ['scripts/gpu/run.mjs', 'data', 'link'] })),
    ...(await packArchive('node.program', { ...options, files: ['node'] })),
    ...(await packArchive('library.tensorflow', { ...options, files: ['tensorflow/libtensorflow_cc.so.2'] })),
  ];
  lay('out/SHA256SUMS', checksums(pieces));
  lay('out/library-folder', 'tensorflow\n');
  return pieces;
}

describe.skipIf(!usable)('receive.sh', () => {
  it.each(Object.keys(compressors))(
    'unpacks what %s packed, and runs it with the library and its own arguments',
    async (compress) => {
      if (!has(compress))
        return expect(packArchive('x', { root: dir, files: [], out: dir, compress, pieceBytes: 1 })).rejects.toThrow(
          /could not be started/,
        );
      const pieces = await pack(compress);
      expect(pieces.length).toBeGreaterThan(3);
      const { status, stdout } = receive('--from', 'out', '--into', 'to', '--', '--results', 'here', '--runs', '1');
      expect(status).toBe(0);
      const library = join(dir, 'to/library/tensorflow');
      expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({
        args: ['--library', library, '--results', 'here', '--runs', '1'],
        cwd: dir,
      });
      expect(readFileSync(join(dir, 'to/code/link'), 'utf8')).toBe('abcdefghij'.repeat(40_000));
      expect(existsSync(join(library, 'libtensorflow_cc.so.2'))).toBe(true);
    },
  );

  it('takes pieces in parts, names those that are missing, and unpacks once', async () => {
    const pieces = await pack('xz');
    const late = pieces.at(-1)!.file;
    mkdirSync(join(dir, 'later'));
    renameSync(join(dir, 'out', late), join(dir, 'later', late));
    const first = receive('--from', 'out', '--into', 'to');
    expect(first.status).toBe(3);
    expect(first.stdout).toBe(`1 of ${pieces.length} pieces are missing yet: ${late}\n`);
    expect(existsSync(join(dir, 'to/code'))).toBe(false);
    expect(receive('--from', 'later', '--into', 'to').status).toBe(0);
    const again = receive('--into', 'to');
    expect([again.status, again.stdout.includes('unpacked')]).toEqual([0, false]);
  });

  it('says that the list of pieces has not come', () => {
    mkdirSync(join(dir, 'empty'));
    lay('empty/code.packages.tar.xz.0000', 'x');
    expect(receive('--from', 'empty', '--into', 'to')).toMatchObject({
      status: 3,
      stdout: 'SHA256SUMS has not come yet\n',
    });
  });

  it('refuses a piece that was altered on the way, and takes it when it comes again', async () => {
    const [{ file }] = (await pack('xz')) as [Piece, ...Piece[]];
    const whole = readFileSync(join(dir, 'out', file));
    writeFileSync(join(dir, 'out', file), Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1)! ^ 1])]));
    const damaged = receive('--from', 'out', '--into', 'to');
    expect(damaged.status).toBe(1);
    expect(damaged.stdout).toContain(`${file}: FAILED`);
    expect(damaged.stderr).toContain('send them again');
    expect(existsSync(join(dir, 'to/code'))).toBe(false);
    writeFileSync(join(dir, 'out', file), whole);
    expect(receive('--from', 'out', '--into', 'to')).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    [[], /--into DIR is wanted/],
    [['--onto', 'x'], /'--onto' is not --from DIR, --into DIR or --/],
    [['--into', 'to', '--from', 'nowhere'], /--from nowhere is not a folder/],
  ])('refuses arguments %s', (args, message) => {
    const { status, stderr } = receive(...args);
    expect([status, message.test(stderr)]).toEqual([1, true]);
  });
});
