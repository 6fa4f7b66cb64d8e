import type { FaceItem } from '../face-dataset.js';

/** A sample to read. */
export interface ReadRequest {
  readonly id: number;
  readonly index: number;
  /** Labels of the sample's random draws. */
  readonly seed: number;
  readonly epoch: number;
}

/** What became of it. A fault is one of the sample's files; an error is ours. */
export type ReadReply =
  | { readonly id: number; readonly item: FaceItem }
  | { readonly id: number; readonly fault: string }
  | { readonly id: number; readonly error: string };
