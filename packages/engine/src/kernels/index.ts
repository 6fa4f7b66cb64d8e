import * as tf from '@tensorflow/tfjs-core';
import { adamUpdate } from './adam-update.js';
import { attention, attentionGrad } from './attention.js';
import { add, batchMatMul, reshape } from './contractions.js';
import { conv2dBackpropFilter, conv2dBackpropInput, explicitConvGradients } from './conv-gradients.js';
import { convolution } from './convolution.js';
import { emaUpdate } from './ema-update.js';
import { gather } from './gather.js';
import { geglu, gelu } from './gelu.js';
import { groupNorm, groupNormGrad } from './group-norm.js';
import { layerNorm } from './layer-norm.js';
import { mean } from './mean.js';
import { recomputeBarrier } from './recompute-barrier.js';
import { statelessRandomNormal, statelessRandomUniform, statelessRandomUniformInt } from './stateless-random.js';
import { upsampleConvolution, upsampleConvolutionGrad } from './upsample-convolution.js';

/** The engine's own kernels: those that upstream lacks, and those of its that fall short. */
const kernels = (): readonly tf.KernelConfig[] => [
  adamUpdate,
  add(),
  attention,
  attentionGrad,
  batchMatMul(),
  conv2dBackpropFilter,
  conv2dBackpropInput,
  convolution,
  emaUpdate,
  explicitConvGradients,
  geglu,
  gelu,
  groupNorm,
  groupNormGrad,
  layerNorm,
  gather,
  mean,
  recomputeBarrier,
  reshape(),
  statelessRandomNormal,
  statelessRandomUniform,
  statelessRandomUniformInt,
  upsampleConvolution,
  upsampleConvolutionGrad,
];

/** Register the engine's kernels in tfjs's registry, in place of upstream's where both have one. */
export function registerKernels(): void {
  for (const kernel of kernels()) {
    if (tf.getKernel(kernel.kernelName, kernel.backendName) != null)
      tf.unregisterKernel(kernel.kernelName, kernel.backendName);
    tf.registerKernel(kernel);
  }
}
