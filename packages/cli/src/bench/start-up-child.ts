import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';

const { threads, device } = await useEngine();
await tf.add(tf.scalar(1), tf.scalar(2)).data();
const ms = process.uptime() * 1000;
process.send!({ ms, threads, device, peakRssMiB: process.resourceUsage().maxRSS / 1024 }, () => process.disconnect());
