import { codiffRegistry, specsOf } from '@codiff/codiff';
import { describeCheckpoint } from '@codiff/ldm-core';
import { convertCheckpoint, initCheckpoint, loadConfig, openCheckpointFile } from '@codiff/ldm-core/node';
import type { Argv, CommandModule } from 'yargs';
import { formatDescription } from '../checkpoint-report.js';
import { watchInterrupts } from '../generate/interrupt.js';
import { InputError } from '../input-error.js';
import { UsageError } from '../usage-error.js';

interface Opening {
  verify: boolean;
  'allow-global': string[];
}

/** Flags that say how a file is opened. */
const opening = {
  verify: { type: 'boolean', default: true, describe: 'compare stored checksums (--no-verify: read damaged files)' },
  'allow-global': {
    alias: 'allow_global',
    type: 'string',
    array: true,
    default: [] as string[],
    describe: 'a further pickled name to hold inert: mypackage.MyClass, or mypackage.*',
  },
} as const;

/** What the system says of a file that was named to read, or to write; anything else stays as it is. */
function aboutFile(error: unknown, read: string | null, written: string | null): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  // 'ENOENT: no such file or directory, open 'x'': the path may be that of a temporary file.
  const reason = error.message.replace(/^[A-Z\d]+: /, '').replace(/, \w+( '.*)?$/s, '');
  if (written === null || ('path' in error && error.path === read))
    return new InputError(`${read}: ${reason}; give the path of a checkpoint file`, { cause: error });
  const advice = 'code' in error && error.code === 'ENOSPC' ? 'make room' : 'give a file in a folder that is there';
  return new InputError(`${written}: cannot be written: ${reason}; ${advice}`, { cause: error });
}

/** Write a file such that Ctrl-C leaves nothing half done. */
async function interruptibly<T>(write: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const watch = watchInterrupts(() => undefined);
  try {
    return await write(watch.signal);
  } finally {
    watch.stop();
  }
}

const inspect: CommandModule<object, Opening & { file: string; json: boolean; prefix: string }> = {
  command: 'inspect <file>',
  describe: 'show format, types and keys by prefix; reads the header only',
  builder: (yargs: Argv) =>
    yargs
      .positional('file', { type: 'string', demandOption: true })
      .option('json', { type: 'boolean', default: false, describe: 'everything as JSON, with each key and shape' })
      .option('prefix', { type: 'string', default: '', describe: 'only keys that start with this' })
      .options(opening),
  handler: async ({ file, json, prefix, verify, 'allow-global': allowGlobal }) => {
    const checkpoint = await openCheckpointFile(file, { verify, inertGlobals: allowGlobal }).catch((error: unknown) => {
      throw aboutFile(error, file, null);
    });
    try {
      const description = describeCheckpoint(checkpoint, prefix);
      process.stdout.write(json ? `${JSON.stringify(description, null, 1)}\n` : formatDescription(description));
    } finally {
      await checkpoint.close();
    }
  },
};

const halves = ['float16', 'bfloat16', 'float32'] as const;

const convert: CommandModule<
  object,
  Opening & { in: string; out: string; dtype: (typeof halves)[number] | undefined; 'prefix-strip': string }
> = {
  command: 'convert <in> <out>',
  describe: "write a checkpoint's weights as .safetensors or .ckpt, by the ending of <out>",
  builder: (yargs: Argv) =>
    yargs
      .positional('in', { type: 'string', demandOption: true })
      .positional('out', { type: 'string', demandOption: true })
      .option('dtype', { choices: halves, describe: 'type of floating-point weights (default: as they are)' })
      .option('prefix-strip', {
        alias: 'prefix_strip',
        type: 'string',
        default: '',
        describe: 'keep only keys with this prefix, and take it off',
      })
      .options(opening),
  handler: async ({ in: from, out, dtype, 'prefix-strip': prefixStrip, verify, 'allow-global': allowGlobal }) => {
    const options = { verify, inertGlobals: allowGlobal, stripPrefix: prefixStrip, ...(dtype ? { dtype } : {}) };
    const write = (signal: AbortSignal) => convertCheckpoint(from, out, { ...options, signal });
    const written = await interruptibly(write).catch((error: unknown) => {
      throw aboutFile(error, from, out);
    });
    process.stdout.write(`${out}: ${written} tensors\n`);
  },
};

const init: CommandModule<
  object,
  { config: string[]; seed: number; out: string; dtype: (typeof halves)[number]; set: string[] }
> = {
  command: 'init',
  describe: "write seeded random weights of a config's model, streamed to disk",
  builder: (yargs: Argv) =>
    yargs
      .option('config', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'config files, merged left to right',
      })
      .option('seed', { type: 'number', demandOption: true, describe: 'the same seed gives the same file' })
      .option('out', { type: 'string', demandOption: true, describe: 'ends in .ckpt or .safetensors' })
      .option('dtype', { choices: halves, default: 'float32' as const, describe: 'type of floating-point weights' })
      .option('set', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'a.b=value, applied to the config',
      }),
  handler: async ({ config, seed, out, dtype, set }) => {
    if (!Number.isSafeInteger(seed)) throw new UsageError('--seed must be a whole number');
    const specs = specsOf(await loadConfig(config, { registry: codiffRegistry, overrides: set }));
    const write = (signal: AbortSignal) => initCheckpoint(out, specs, seed, dtype, signal);
    await interruptibly(write).catch((error: unknown) => {
      throw aboutFile(error, null, out);
    });
    process.stdout.write(`${out}: ${specs.size} tensors\n`);
  },
};

/** `codiff checkpoint inspect | convert | init`. */
export const checkpointCommand: CommandModule = {
  command: 'checkpoint',
  describe: 'look into, convert and create checkpoint files',
  builder: (yargs) =>
    yargs
      .command(inspect)
      .command(convert)
      .command(init)
      .demandCommand(1, 'name one: inspect, convert, init')
      .example('$0 checkpoint inspect pretrained/512_text.ckpt --prefix cond_stage_model.', '')
      .example('$0 checkpoint convert pretrained/512_text.ckpt text.safetensors --dtype float16', '')
      .example('$0 checkpoint init --config configs/512_text.yaml --seed 1 --out pretrained/512_text.ckpt', ''),
  handler: () => undefined,
};
