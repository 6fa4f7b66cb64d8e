/** GPU memory that this process holds after a little work, by the driver's own count. */
import { execFileSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '../../src/index.js';

tf.enableProdMode();
const used = () =>
  Number(
    execFileSync('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '--id=0'], {
      encoding: 'utf8',
    }),
  );
const before = used();
await useEngine({ device: 'gpu', memoryGrowth: true });
await tf.matMul(tf.ones([256, 256]), tf.ones([256, 256])).data();
console.log(JSON.stringify({ usedMiB: used() - before }));
