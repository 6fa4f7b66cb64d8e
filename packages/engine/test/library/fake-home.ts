import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LibraryBuild, ProvideOptions, WheelRow } from '../../library/index.mjs';
import { makeElf } from './fake-elf.js';
import { type FakeFile, makeZip } from './fake-zip.js';

/** How the fake `python3 -m pip download` behaves. */
export interface PipBehaviour {
  readonly mode: 'copy' | 'offline' | 'full' | 'hang';
  /** What `import tensorflow` would find: a folder, or nothing. */
  readonly tensorflow?: string;
}

/**
 * A throw-away home: an empty cache, and a PATH that holds nothing but a fake python3, which answers the question for
 * tensorflow and copies wheels from a folder instead of downloading.
 */
export class FakeHome {
  readonly dir = mkdtempSync(join(tmpdir(), 'codiff-library-'));
  readonly bin = join(this.dir, 'bin');
  readonly index = join(this.dir, 'index');
  readonly cache = join(this.dir, '.cache', 'codiff', 'libtensorflow');
  readonly env: NodeJS.ProcessEnv = { HOME: this.dir, PATH: this.bin };
  private readonly calls = join(this.dir, 'calls.log');

  constructor(behaviour: PipBehaviour | null = { mode: 'copy' }) {
    for (const folder of [this.bin, this.index]) mkdirSync(folder);
    writeFileSync(this.calls, '');
    if (behaviour) this.behave(behaviour);
  }

  /** Installs the fake python3, or replaces it. */
  behave(behaviour: PipBehaviour): void {
    const settings = JSON.stringify({ ...behaviour, index: this.index, calls: this.calls });
    writeFileSync(join(this.bin, 'python3'), `#!${process.execPath}\nconst settings = ${settings};\n${fakePython}`, {
      mode: 0o755,
    });
  }

  /** Puts a wheel into the index and pins it. */
  addWheel(
    name: string,
    files: readonly FakeFile[],
    { platform = 'manylinux_2_27_x86_64' } = {},
  ): WheelRow['wheels'][number] {
    const file = `${name.replaceAll('-', '_')}-2.21.0-cp311-cp311-${platform}.whl`;
    const bytes = makeZip(files);
    writeFileSync(join(this.index, file), bytes);
    return {
      name,
      version: '2.21.0',
      file,
      bytes: bytes.length,
      unpackedBytes: files.reduce((sum, { data }) => sum + data.length, 0),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  }

  /** A row as set-up's table has them, for linux-x64. */
  addRow(build: LibraryBuild = 'cpu'): WheelRow {
    const wheels = [this.addWheel(build === 'cpu' ? 'tensorflow-cpu' : 'tensorflow', tensorflowFiles(build))];
    if (build === 'gpu') wheels.push(this.addWheel('nvidia-cublas-cu12', cublasFiles));
    return { platform: 'linux-x64', build, wheels };
  }

  /** What `provideLibrary` needs to see this home instead of the real one. */
  options(table: WheelRow[], more: ProvideOptions = {}): ProvideOptions {
    return { env: this.env, platform: 'linux', arch: 'x64', hasDriver: false, table, ...more };
  }

  /** The wheels that pip was asked for, one `name==version` each. */
  downloads(): string[] {
    return readFileSync(this.calls, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const random = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7919 + (i >> 3) * 31) & 0xff));

export function tensorflowFiles(build: LibraryBuild): FakeFile[] {
  const runPath = build === 'gpu' ? '$ORIGIN/../nvidia/cublas/lib' : '';
  const elf = makeElf({ arch: 'x64', runPath });
  return [
    { name: 'tensorflow/__init__.py', data: Buffer.from('raise SystemExit("imported")') },
    { name: 'tensorflow/libtensorflow_framework.so.2', data: Buffer.concat([elf, random(50_000)]) },
    { name: 'tensorflow/libtensorflow_cc.so.2', data: Buffer.concat([elf, random(400_000)]) },
    { name: 'tensorflow_cpu-2.21.0.dist-info/METADATA', data: Buffer.from('Version: 2.21.0') },
  ];
}

const cublasFiles: FakeFile[] = [
  { name: 'nvidia/cublas/lib/libcublas.so.12', data: random(10_000) },
  { name: 'nvidia/cublas/include/cublas.h', data: random(100) },
  { name: 'nvidia/cuda_nvcc/bin/ptxas', data: random(1000), mode: 0o755 },
];

const fakePython = `
const { appendFileSync, copyFileSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const args = process.argv.slice(2);
if (args[0] === '-c') console.log(settings.tensorflow ?? '');
else if (args.join(' ') === '-m pip --version') console.log('pip 99');
else {
  const spec = args.at(-1);
  const dest = args[args.indexOf('--dest') + 1];
  appendFileSync(settings.calls, spec + '\\n');
  const file = readdirSync(settings.index).find((name) => name.startsWith(spec.split('==')[0].replaceAll('-', '_') + '-'));
  if (settings.mode === 'offline') {
    console.error('WARNING: Retrying after connection broken: Temporary failure in name resolution');
    console.error('ERROR: Could not find a version that satisfies the requirement ' + spec);
    process.exit(1);
  } else if (settings.mode === 'full') {
    console.error('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device');
    process.exit(1);
  } else if (settings.mode === 'hang') {
    writeFileSync(join(process.env.TMPDIR, 'part'), 'half a wheel');
    setTimeout(() => {}, 5000);
  } else setTimeout(() => copyFileSync(join(settings.index, file), join(dest, file)), 150);
}
`;
