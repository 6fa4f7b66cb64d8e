import type { DataId } from '@tensorflow/tfjs-core';
import type { Capture } from '../backend.js';
import type { Engine } from '../engine.js';

/** The handles of one program's captures as they were at its last call, to be used again while they are the same. */
export class CapturedHandles {
  private handles: BigUint64Array | null = null;
  private dataIds: DataId[] = [];
  private version = -1;

  constructor(readonly captures: readonly Capture[]) {}

  /**
   * Handles of tensors that are in memory as they are. Looking 700 of them up takes longer than the rest of a call does in
   * JavaScript; so it is done again only after one of them was disposed, replaced, or assigned to.
   * @returns null if there is a capture whose value has to be read first: the value of a state variable, or of a variable whose
   *   elements are stored narrower
   * @throws EngineError if one was disposed
   */
  get({ binding, backend }: Engine, label: string): BigUint64Array | null {
    const { slots } = binding;
    if (this.handles !== null && this.version === slots.version && this.unchanged()) return this.handles;
    this.handles = null;
    const ids = this.captures.map((capture) => backend.captureId(capture, label));
    const handles = new BigUint64Array(ids.length);
    for (const [i, id] of ids.entries()) {
      const slot = slots.get(id);
      if (slot.kind !== 'eager' || slot.storedAs !== this.captures[i]!.storedAs) return null;
      handles[i] = slot.handle;
    }
    for (const id of ids) slots.watch(id);
    this.dataIds = this.captures.map(({ source }) => source.dataId);
    this.version = slots.version;
    this.handles = handles;
    return handles;
  }

  /** Whether variables hold the data that they held. Data itself is watched. */
  private unchanged(): boolean {
    const { captures, dataIds } = this;
    for (let i = 0; i < captures.length; i++) {
      const { source } = captures[i]!;
      if (source.dataId !== dataIds[i] || ('isDisposed' in source && source.isDisposed)) return false;
    }
    return true;
  }
}
