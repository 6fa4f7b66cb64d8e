import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { FaceDataset, type FaceDatasetOptions } from '../face-dataset.js';
import { readSample } from './read-sample.js';
import type { ReadRequest } from './worker-messages.js';

/** A thread that reads samples: started by the pool, ended with it. */
if (parentPort === null) throw new Error('read-worker is started by a loader, not as a program');
const port = parentPort;

// The pool's threads are the parallelism; libvips' own would fight with them and with the training step.
sharp.concurrency(1);
const dataset = new FaceDataset(workerData as FaceDatasetOptions);
port.on('message', async (request: ReadRequest) => {
  const reply = await readSample(dataset, request);
  if (!('item' in reply)) return port.postMessage(reply);
  const { image, segMask, sketch } = reply.item;
  const moved = [image, segMask, sketch].filter((array) => array !== undefined).map(({ buffer }) => buffer);
  return port.postMessage(reply, moved);
});
