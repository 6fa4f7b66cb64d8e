import { Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../checkpoint/progress.js';
import type { Divided } from '../steps/train-state.js';
import { checksum } from './checksum.js';
import { replicasOf, stepRng } from './replicas.js';
import { Team, type TeamOptions } from './team.js';
import { ReplicasDifferError, TeamKeeper } from './team-keeper.js';
import type { AllReduce } from './team-place.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Sums with one other process, whose tensors are told by name; it has zeros where nothing is told. */
const withOther =
  (told: Record<string, () => readonly number[]>, names: string[] = []): AllReduce =>
  (tensors, { name, mean }) => {
    names.push(name);
    const others = told[name]?.();
    return tensors.map((tensor) => {
      const other =
        others === undefined ? tf.zerosLike(tensor) : tf.tensor(others, tensor.shape, tensor.dtype as 'float32');
      const sum = tf.add(tensor, other);
      return mean ? tf.div(sum, 2) : sum;
    });
  };

const team = (allReduce: AllReduce, options: Partial<TeamOptions> = {}, rank = 0): Team =>
  new Team({ rank, world: 2, allReduce }, { limit: 100, ...options });

describe('Team', () => {
  it('stops where any process was asked to, and saves where any was', async () => {
    const wishes = [0, 0, 0, 1];
    const alone = team(withOther({ 'team/meeting': () => wishes }));
    expect(await alone.meet(true)).toBe(true);
    expect([alone.why, alone.takeSave()]).toEqual([null, false]);
    wishes[1] = 1;
    while (!(await alone.meet(true)));
    expect([alone.why, alone.takeSave(), alone.takeSave()]).toEqual([null, true, false]);
    wishes[0] = 1;
    while (!(await alone.meet(true)));
    expect(alone.why).toBe('asked');
  });

  it("asks for what this process was asked for, and goes by the first one's clock", async () => {
    const stop = new AbortController();
    const requests = { stop: stop.signal, takeSave: () => true };
    stop.abort();
    const asked = team(withOther({}), { requests });
    await asked.meet(true);
    expect([asked.why, asked.takeSave()]).toEqual(['asked', true]);
    const [first, second] = [0, 1].map((rank) => team(withOther({}), { maxSeconds: 0 }, rank));
    await first!.meet(true);
    await second!.meet(true);
    expect([first!.why, second!.why]).toEqual(['time', null]);
  });

  it('never meets between the batches of one update, and at the latest after `limit` batches', async () => {
    const quick = team(withOther({}), { limit: 4 });
    expect(await quick.meet(false)).toBe(false);
    const met: number[] = [];
    for (let batch = 0; batch < 20; batch++) if (await quick.meet(true)) met.push(batch);
    expect(met.slice(0, 3)).toEqual([0, 2, 6]);
    expect(met[3]! - met[2]!).toBe(4);
  });

  it('averages what steps log, in their order, until it leaves', async () => {
    const at = {} as Progress;
    const steps = [
      { before: at, after: at, values: { a: 1, b: 2 } },
      { before: at, after: at, values: { a: 3 } },
    ];
    const both = team(withOther({ 'team/logs': () => [3, 0, 5] }));
    expect((await both.average(steps)).map(({ values }) => values)).toEqual([{ a: 2, b: 1 }, { a: 4 }]);
    both.leave();
    expect(await both.average(steps)).toBe(steps);
  });
});

describe('TeamKeeper', () => {
  const divided = { frozen: new Params(), state: { groups: {}, ema: null, buffers: new Params() } } as Divided;
  const progress: Progress = { epoch: 1, batch: 2, globalStep: 3, batches: 4 };
  function keeper(other: number | null, rank = 0) {
    const saved: string[] = [];
    const act = (name: string) => async () => void saved.push(name);
    const inner = { saveLast: act('last'), saveEpoch: act('epoch'), saveTrainStep: act('step') };
    const told = other === null ? {} : { 'team/checksums': () => (rank === 0 ? [0, other] : [other, 0]) };
    const own = team(withOther(told), {}, rank);
    return {
      saved,
      team: own,
      keeper: new TeamKeeper(own, inner, { weights: () => new Params([['a', tf.ones([3])]]) }),
    };
  }
  const sum = () => checksum([tf.ones([3])]);

  it('writes in the first process alone, once all have the same weights', async () => {
    const first = keeper(await sum());
    await first.keeper.saveLast(divided, progress);
    // Of the same moment nothing more is compared.
    await first.keeper.saveTrainStep(divided, progress);
    expect(first.saved).toEqual(['last', 'step']);
    const second = keeper(await sum(), 1);
    await second.keeper.saveEpoch(divided, progress, 0.5);
    expect(second.saved).toEqual([]);
  });

  it('writes nothing where weights differ, and says so', async () => {
    const { keeper: differing, saved, team } = keeper((await sum()) ^ 1);
    await expect(differing.saveLast(divided, progress)).rejects.toThrow(ReplicasDifferError);
    await expect(keeper(7).keeper.saveLast(divided, progress)).rejects.toThrow(/step 3 the processes no longer hold/);
    expect([saved, team.hasLeft]).toEqual([[], true]);
  });

  it('asks nobody after a failure', async () => {
    const { keeper: left, saved, team } = keeper(null);
    team.leave();
    await left.saveLast(divided, progress);
    expect(saved).toEqual(['last']);
  });
});

describe('replicas', () => {
  it('take means, by key', async () => {
    const names: string[] = [];
    const replicas = replicasOf({ rank: 0, world: 2, allReduce: withOther({ gradients: () => [4, 6] }, names) });
    const means = replicas.mean(new Params([['a', tf.tensor1d([2, 4])]]), 'gradients');
    expect([...(await means.get('a')!.data())]).toEqual([3, 5]);
    const none = new Params();
    expect(replicas.mean(none, 'nothing')).toBe(none);
    expect(names).toEqual(['gradients']);
  });

  it('share a batch by means that have names of their own in each pass, and the same ones in the next step', async () => {
    const names: string[] = [];
    const replicas = replicasOf({ rank: 1, world: 2, allReduce: withOther({ 'a, 1': () => [4] }, names) });
    for (const pass of ['a', 'b', 'a']) {
      const { count, mean } = replicas.sharing(pass);
      expect(count).toBe(2);
      mean(tf.scalar(1));
      if (pass === 'a') expect([...(await mean(tf.tensor1d([2])).data())]).toEqual([3]);
    }
    expect(names).toEqual(['a, 0', 'a, 1', 'b, 0', 'a, 0', 'a, 1']);
  });

  it('draw their rows of what one process would', async () => {
    const seed = Rng.of(3).toTensor();
    const whole = await stepRng(seed, undefined).normal([4, 2]).data();
    const parts = [0, 1].map((rank) =>
      stepRng(seed, replicasOf({ rank, world: 2, allReduce: withOther({}) }))
        .normal([2, 2])
        .dataSync(),
    );
    expect([...parts[0]!, ...parts[1]!]).toEqual([...whole]);
  });
});

it('a checksum tells sets of tensors apart, and is the same for the same bits', async () => {
  const sums = await Promise.all(
    [[1, 2], [2, 1.5], [1, -2], [1]].map((values) => checksum([tf.tensor1d(values), tf.scalar(1, 'int32')])),
  );
  expect(new Set(sums).size).toBe(4);
  expect(await checksum([tf.tensor1d([1, 2]), tf.scalar(1, 'int32')])).toBe(sums[0]);
  expect(await checksum([])).toEqual(await checksum([]));
});
