/** Where a file's bytes go, first to last. */
export interface ByteSink {
  /** The sink is done with `bytes` once the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
}

/** A sink into memory. */
export class BufferSink implements ByteSink {
  private readonly parts: Uint8Array[] = [];

  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(bytes.slice());
  }

  /** Everything written so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
