/**
 * A small training in one of the processes of a team, or alone with the whole batch. Arguments: a task in JSON. Prints the
 * logged values of each batch, and a checksum of everything at the end.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { allReduce, compile, useEngine } from '@codiff/engine';
import { initParams, type ParamSpec } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  type BatchSource,
  BEGINNING,
  CheckpointKeeper,
  type HostBatch,
  joinSinks,
  replicasOf,
  Team,
  TeamKeeper,
  type Training,
  train,
  watchSignals,
} from '../../src/index.js';
import { checksum } from '../../src/parallel/checksum.js';
import { tinyBatch, tinyCompose, tinyDiffusion, tinyVae } from '../tiny-models.js';

/** What a process is to do. */
export interface TeamTask {
  readonly kinds: readonly ('mask' | 'compose' | 'vae')[];
  readonly folder: string;
  readonly steps: number;
  /** Addresses of all processes; one: alone, with batches of this many shares. */
  readonly tasks: readonly string[];
  readonly rank: number;
  /** Shares that a whole batch has. */
  readonly shares: number;
}

const task = JSON.parse(process.argv[2]!) as TeamTask;
const { rank, tasks, shares, steps, folder } = task;
const alone = tasks.length === 1;
await useEngine({
  device: 'cpu',
  deterministic: true,
  threads: 1,
  ...(alone ? {} : { cluster: { tasks, index: rank } }),
});
tf.enableProdMode();
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();

const place = { rank, world: tasks.length, allReduce };
const replicas = alone ? undefined : replicasOf(place);
const models: Record<TeamTask['kinds'][number], () => { training: Training; specs: ReadonlyMap<string, ParamSpec> }> = {
  mask: () => tinyDiffusion('mask', { replicas, clipNorm: 1 }, { use_ema: true }),
  compose: () => tinyCompose({ replicas, accumulate: 2, clipNorm: 1 }),
  vae: () => tinyVae({ replicas }),
};

/** Batches of `shares` times two images, or this process's share of them. */
function source(length: number): BatchSource {
  return {
    length,
    async *epoch(epoch, from) {
      for (let i = from; i < length; i++) {
        const own = Array.from({ length: shares }, (_, share) => tinyBatch(100 * epoch + shares * i + share));
        const batches = alone ? own : [own[rank]!];
        yield Object.fromEntries(
          Object.keys(batches[0]!).map((key): [string, HostBatch[string]] => {
            const joined = tf.concat(batches.map((batch) => batch[key as keyof typeof batch] as tf.Tensor));
            const values = joined.dataSync().slice() as Float32Array | Int32Array;
            return [key, { values, shape: joined.shape }];
          }),
        );
        for (const batch of own) tf.dispose(batch);
      }
    },
  };
}

const report: Record<string, unknown> = {};
for (const kind of task.kinds) {
  const { training, specs } = models[kind]();
  const own = join(folder, kind);
  mkdirSync(own, { recursive: true });
  const keeper = new CheckpointKeeper({ folder: join(own, 'checkpoints'), training, specs, seed: 1, config: {} });
  const requests = watchSignals();
  const team = alone ? undefined : new Team(place, { requests, limit: 20 });
  const restored = await keeper.restoreNewest();
  await team?.wait(`${kind} restored`);
  const curve: Record<string, number>[] = [];
  try {
    const end = await train({
      training,
      divided: restored?.divided ?? training.divide(initParams(specs, 1)),
      progress: restored?.record.progress ?? BEGINNING,
      seed: 1,
      train: source(3),
      monitor: null,
      accumulate: kind === 'compose' ? 2 : 1,
      rates: {},
      keeper: team ? new TeamKeeper(team, keeper, training) : keeper,
      log: joinSinks([]),
      folder: own,
      // The discriminator counts from step 2 on; to see accumulation, a whole and a short update will do.
      limits: { maxSteps: kind === 'compose' ? 2 : steps },
      logEvery: 1,
      saveEvery: 2,
      // Operation by operation a process starts sooner; compiled against not compiled shows no less.
      ...(kind === 'mask' && !alone ? { compile } : {}),
      requests,
      team,
      onEvent: (event) => {
        if (event.kind === 'warning') process.stderr.write(`${event.message}\n`);
        if (event.kind !== 'step') return;
        curve.push({ ...event.values });
        process.stdout.write(`step ${event.progress.globalStep}\n`);
      },
    });
    const weights = await checksum(training.weights(end.divided).values());
    report[kind] = { why: end.why, progress: end.progress, curve, weights };
  } catch (error) {
    report.failed = (error as Error).message;
    break;
  } finally {
    requests.close();
  }
}
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
