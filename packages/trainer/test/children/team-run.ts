/**
 * A small training in one of the processes of a team, or alone with the whole batch. Arguments: a task in JSON. Prints the
 * logged values of each batch, and a checksum of everything at the end.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { allReduce, compile, useEngine } from '@codiff/engine';
import { initParams } from '@codiff/ldm-core';
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
  train,
  watchSignals,
} from '../../src/index.js';
import { checksum } from '../../src/parallel/checksum.js';
import { type Tiny, tinyBatch, tinyCompose, tinyDiffusion, tinyVae } from '../tiny-models.js';

/** What is trained: the autoencoder's discriminator with batch or with activation normalization. */
export type TeamKind = 'mask' | 'compose' | 'vae' | 'vae-actnorm';

/** What a process is to do. */
export interface TeamTask {
  readonly kinds: readonly TeamKind[];
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
const common = { replicas, clipNorm: 1 };
// Adam moves a weight whose gradient is nothing but rounding by its whole rate, and the discriminator multiplies what comes of it.
const gan = { ...common, lr: 1e-4 };
/** How each kind is trained. */
const models: Record<TeamKind, { make: (accumulate: number) => Tiny; accumulate: number; maxSteps: number }> = {
  mask: { make: () => tinyDiffusion('mask', common, { use_ema: true }), accumulate: 1, maxSteps: steps },
  // To see accumulation, a whole and a short update will do.
  compose: { make: (accumulate) => tinyCompose({ ...common, accumulate }), accumulate: 2, maxSteps: 2 },
  // The discriminator counts after the first update, so in the last three of five batches.
  vae: { make: (accumulate) => tinyVae({ ...gan, accumulate }, { disc_start: 1 }), accumulate: 2, maxSteps: steps },
  'vae-actnorm': { make: () => tinyVae(gan, { disc_start: 0, use_actnorm: true }), accumulate: 1, maxSteps: 2 },
};
/**
 * Operation by operation a process starts sooner; compiled against not compiled shows no less. The autoencoder's step sums
 * over the processes in the middle of its passes, not only at their end.
 */
const COMPILED: TeamKind = 'vae';

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
  const { make, accumulate, maxSteps } = models[kind];
  const { training, specs } = make(accumulate);
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
      accumulate,
      rates: {},
      keeper: team ? new TeamKeeper(team, keeper, training) : keeper,
      log: joinSinks([]),
      folder: own,
      limits: { maxSteps },
      logEvery: 1,
      saveEvery: 2,
      ...(kind === COMPILED && !alone ? { compile } : {}),
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
