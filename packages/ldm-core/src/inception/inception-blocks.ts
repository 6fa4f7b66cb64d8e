import * as tf from '@tensorflow/tfjs-core';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { BasicConv, type BasicConvOptions, inTurn, type Kernel } from './basic-conv.js';

/** A block of parallel branches whose results are joined channel by channel. */
export interface InceptionBlock {
  /** Channels that come out. */
  readonly outC: number;
  /** @param x [B,H,W,in] @returns [B,H',W',outC] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D;
}

/** A branch's layer: name, channels out, kernel, and how it steps. */
type Layer = readonly [name: string, outC: number, kernel: Kernel, options?: BasicConvOptions];

/** Layers that follow each other, each declared under its own name. */
function chain(scope: Scope, inC: number, layers: readonly Layer[]): BasicConv[] {
  let channels = inC;
  return layers.map(([name, outC, kernel, options]) => {
    const layer = new BasicConv(scope.at(name), channels, outC, kernel, options);
    channels = outC;
    return layer;
  });
}

/** The mean over 3x3, of the pixels that there are: zeros beyond the border do not count, as in TensorFlow. */
const meanPool = (x: tf.Tensor4D): tf.Tensor4D => tf.avgPool(x, 3, 1, 'same');
const join = (branches: tf.Tensor4D[]): tf.Tensor4D => tf.concat(branches, 3);

/** Block A, 35x35: 1x1, 5x5, two 3x3, mean. */
export class InceptionA implements InceptionBlock {
  readonly outC: number;
  private readonly branches: readonly (readonly BasicConv[])[];
  private readonly pool: readonly BasicConv[];

  constructor(scope: Scope, inC: number, poolC: number) {
    const of = (...layers: Layer[]) => chain(scope, inC, layers);
    this.branches = [
      of(['branch1x1', 64, 1]),
      of(['branch5x5_1', 48, 1], ['branch5x5_2', 64, 5]),
      of(['branch3x3dbl_1', 64, 1], ['branch3x3dbl_2', 96, 3], ['branch3x3dbl_3', 96, 3]),
    ];
    this.pool = of(['branch_pool', poolC, 1]);
    this.outC = 64 + 64 + 96 + poolC;
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() =>
      join([...this.branches.map((branch) => inTurn(p, x, branch)), inTurn(p, meanPool(x), this.pool)]),
    );
  }
}

/** Block B, 35x35 to 17x17. */
export class InceptionB implements InceptionBlock {
  readonly outC: number;
  private readonly branches: readonly (readonly BasicConv[])[];

  constructor(scope: Scope, inC: number) {
    const down = { stride: 2, same: false };
    this.branches = [
      chain(scope, inC, [['branch3x3', 384, 3, down]]),
      chain(scope, inC, [
        ['branch3x3dbl_1', 64, 1],
        ['branch3x3dbl_2', 96, 3],
        ['branch3x3dbl_3', 96, 3, down],
      ]),
    ];
    this.outC = 384 + 96 + inC;
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => join([...this.branches.map((branch) => inTurn(p, x, branch)), tf.maxPool(x, 3, 2, 'valid')]));
  }
}

/** Block C, 17x17: 7x7 as 1x7 and 7x1. */
export class InceptionC implements InceptionBlock {
  readonly outC = 4 * 192;
  private readonly branches: readonly (readonly BasicConv[])[];
  private readonly pool: readonly BasicConv[];

  constructor(scope: Scope, inC: number, width: number) {
    const of = (...layers: Layer[]) => chain(scope, inC, layers);
    this.branches = [
      of(['branch1x1', 192, 1]),
      of(['branch7x7_1', width, 1], ['branch7x7_2', width, [1, 7]], ['branch7x7_3', 192, [7, 1]]),
      of(
        ['branch7x7dbl_1', width, 1],
        ['branch7x7dbl_2', width, [7, 1]],
        ['branch7x7dbl_3', width, [1, 7]],
        ['branch7x7dbl_4', width, [7, 1]],
        ['branch7x7dbl_5', 192, [1, 7]],
      ),
    ];
    this.pool = of(['branch_pool', 192, 1]);
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() =>
      join([...this.branches.map((branch) => inTurn(p, x, branch)), inTurn(p, meanPool(x), this.pool)]),
    );
  }
}

/** Block D, 17x17 to 8x8. */
export class InceptionD implements InceptionBlock {
  readonly outC: number;
  private readonly branches: readonly (readonly BasicConv[])[];

  constructor(scope: Scope, inC: number) {
    const down = { stride: 2, same: false };
    this.branches = [
      chain(scope, inC, [
        ['branch3x3_1', 192, 1],
        ['branch3x3_2', 320, 3, down],
      ]),
      chain(scope, inC, [
        ['branch7x7x3_1', 192, 1],
        ['branch7x7x3_2', 192, [1, 7]],
        ['branch7x7x3_3', 192, [7, 1]],
        ['branch7x7x3_4', 192, 3, down],
      ]),
    ];
    this.outC = 320 + 192 + inC;
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => join([...this.branches.map((branch) => inTurn(p, x, branch)), tf.maxPool(x, 3, 2, 'valid')]));
  }
}

/** Block E, 8x8: 3x3 as 1x3 beside 3x1. */
export class InceptionE implements InceptionBlock {
  readonly outC = 2048;
  private readonly first: BasicConv;
  private readonly single: Fork;
  private readonly double: Fork;
  private readonly poolConv: BasicConv;

  /** @param pool of the last branch: the network's second block of this kind takes the maximum */
  constructor(
    scope: Scope,
    inC: number,
    private readonly pool: 'mean' | 'max',
  ) {
    const layer = (name: string, from: number, outC: number, kernel: Kernel) =>
      new BasicConv(scope.at(name), from, outC, kernel);
    this.first = layer('branch1x1', inC, 320, 1);
    this.single = {
      stem: [layer('branch3x3_1', inC, 384, 1)],
      arms: [layer('branch3x3_2a', 384, 384, [1, 3]), layer('branch3x3_2b', 384, 384, [3, 1])],
    };
    this.double = {
      stem: [layer('branch3x3dbl_1', inC, 448, 1), layer('branch3x3dbl_2', 448, 384, 3)],
      arms: [layer('branch3x3dbl_3a', 384, 384, [1, 3]), layer('branch3x3dbl_3b', 384, 384, [3, 1])],
    };
    this.poolConv = layer('branch_pool', inC, 192, 1);
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const fork = ({ stem, arms }: Fork): tf.Tensor4D[] => {
      const h = inTurn(p, x, stem);
      return arms.map((arm) => arm.forward(p, h));
    };
    return tf.tidy(() => {
      const pooled: tf.Tensor4D = this.pool === 'max' ? tf.maxPool(x, 3, 1, 'same') : meanPool(x);
      const branches = [...fork(this.single), ...fork(this.double)];
      return join([this.first.forward(p, x), ...branches, this.poolConv.forward(p, pooled)]);
    });
  }
}

/** A chain that ends in two layers side by side. */
interface Fork {
  readonly stem: readonly BasicConv[];
  readonly arms: readonly BasicConv[];
}
