import { DataError } from '../data-error.js';
import { seededDraws } from '../draws.js';
import type { FaceDataset } from '../face-dataset.js';
import type { ReadReply, ReadRequest } from './worker-messages.js';

/** Read one sample. Never throws: what is wrong becomes part of the reply. */
export async function readSample(dataset: FaceDataset, request: ReadRequest): Promise<ReadReply> {
  const { id, index, seed, epoch } = request;
  try {
    return { id, item: await dataset.item(index, seededDraws(seed, 'item', epoch, index)) };
  } catch (error) {
    if (error instanceof DataError) return { id, fault: error.message };
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
