import { describe, expect, it } from 'vitest';
import { type HostSeed, hostIntegers, hostNormal, hostUniform } from './stateless-random.js';

// What TensorFlow 2.21's StatelessRandomNormal, ...Uniform and ...UniformInt gave for these seeds (CPU, shape [7]).
const recorded: { seed: HostSeed; normal: number[]; uniform: number[]; integers: number[]; words: number[] }[] = [
  {
    seed: [1, 2],
    normal: [
      0.544110119342804, 0.20738030970096588, 0.0735643208026886, 0.04643455147743225, -1.301589846611023,
      -0.9538565278053284, 0.8417285680770874,
    ],
    uniform: [
      0.8440604209899902, 0.19204533100128174, 0.9962232112884521, 0.16038739681243896, 0.27199018001556396,
      0.6493459939956665, 0.10694444179534912,
    ],
    integers: [97, 284, 647, 168, 310, 224, 145],
    words: [-1041495508, -409430799, 1811907646, -1777039469, -2136813421, 1901272517, -1081233317],
  },
  {
    seed: [0, 0],
    normal: [
      -1.6970340013504028, -0.4813767075538635, -0.6622369289398193, 0.0870111882686615, -1.0001622438430786,
      0.9434740543365479, 0.6166947484016418,
    ],
    uniform: [
      0.2110154628753662, 0.7060099840164185, 0.8000633716583252, 0.7707922458648682, 0.38858866691589355,
      0.8703594207763672, 0.8081874847412109,
    ],
    integers: [408, 827, 547, 16, 117, 959, 891],
    words: [1738211982, 551181961, -840537990, 736274770, -1590575802, -605067280, 1273459376],
  },
  {
    seed: [-5, 7],
    normal: [
      2.4573304653167725, -0.29588761925697327, -0.8955138325691223, -0.3306739330291748, 0.07620611041784286,
      -0.15011084079742432, -1.0380806922912598,
    ],
    uniform: [
      0.04674673080444336, 0.2690720558166504, 0.6340388059616089, 0.6937028169631958, 0.9859296083450317,
      0.42523515224456787, 0.25644946098327637,
    ],
    integers: [268, 779, 148, 884, 917, 25, 843],
    words: [-1039795252, -274566924, -288282577, 64539457, 1023292145, 1253469723, -1172253866],
  },
  {
    seed: [2147483647, -2147483648],
    normal: [
      -1.7978084087371826, 1.9519751071929932, 1.5865259170532227, -1.472771406173706, -0.2974725365638733,
      2.3677592277526855, -0.5188620090484619,
    ],
    uniform: [
      0.029565095901489258, 0.8815397024154663, 0.09603333473205566, 0.36908483505249023, 0.05799567699432373,
      0.9801088571548462, 0.7595541477203369,
    ],
    integers: [476, 21, 99, 947, 776, 52, 277],
    words: [-2046572342, -336538037, -980661550, -894484948, 847735911, 696087605, 1096890642],
  },
];

describe.each(recorded)('seed $seed', ({ seed, normal, uniform, integers, words }) => {
  it('uniform and integer draws are those of TensorFlow, bit for bit', () => {
    expect([...hostUniform(seed, 7)]).toEqual(uniform);
    expect([...hostIntegers(seed, 7, -3, 1000)]).toEqual(integers);
    expect([...hostIntegers(seed, 7, -(2 ** 31), 2 ** 31 - 1)]).toEqual(words);
  });

  it('normal draws are those of TensorFlow within 1e-6', () => {
    const got = hostNormal(seed, 7);
    normal.forEach((wanted, i) => {
      expect(Math.abs(got[i]! - wanted)).toBeLessThanOrEqual(1e-6);
    });
  });
});

it('gives a value by its index alone, whatever the length', () => {
  expect([...hostNormal([3, 4], 5)]).toEqual([...hostNormal([3, 4], 6).subarray(0, 5)]);
  expect([...hostUniform([3, 4], 5)]).toEqual([...hostUniform([3, 4], 9).subarray(0, 5)]);
  expect(hostNormal([3, 4], 0).length).toBe(0);
});
