import { DataType } from '../capi/data-type.js';
import type { GraphOutput, Pointer } from '../capi/native.js';

/** A value of a traced function: one output of one operation. */
export interface RecordedValue {
  /** Index of the operation that makes it. */
  readonly node: number;
  readonly shape: readonly number[];
  /** TensorFlow's data type. */
  readonly dtype: number;
}

/** One operation of a traced function. */
export interface RecordedNode {
  /** Name in the graph. */
  readonly name: string;
  /** TensorFlow's name of the operation. */
  readonly op: string;
  /** Indices of the values it reads. */
  readonly inputs: readonly number[];
  /** Indices of the values it makes. */
  readonly outputs: readonly number[];
  /** Indices of operations that it waits for without reading them. */
  readonly after: readonly number[];
}

/** What a traced function does, in the order in which it was traced: plain data, to be reasoned about. */
export interface RecordedGraph {
  readonly nodes: readonly RecordedNode[];
  readonly values: readonly RecordedValue[];
  /** Indices of the values that the function returns. */
  readonly results: readonly number[];
  /** Indices of the operations that run for their effect, such as updates of state. */
  readonly effects: readonly number[];
}

/** Writes down a graph while it is built. */
export class GraphRecord {
  private readonly nodes: (RecordedNode & { readonly outputs: number[] })[] = [];
  private readonly values: RecordedValue[] = [];
  private readonly nodeOf = new Map<Pointer, number>();

  node(
    oper: Pointer,
    name: string,
    op: string,
    inputs: readonly GraphOutput[],
    waitsFor: readonly Pointer[] = [],
  ): void {
    const read = inputs.map((input) => this.valueOf(input));
    const after = waitsFor.flatMap((other) => this.nodeOf.get(other) ?? []);
    this.nodeOf.set(oper, this.nodes.push({ name, op, inputs: read, outputs: [], after }) - 1);
  }

  /** What is known of an output: told before anything reads it. */
  output(output: GraphOutput, shape: readonly number[], dtype: number): void {
    const node = this.nodeOf.get(output.oper);
    if (node === undefined) return;
    this.nodes[node]!.outputs[output.index] = this.values.push({ node, shape, dtype }) - 1;
  }

  /** Shapes of outputs, as far as they were told. */
  shapesOf(outputs: readonly GraphOutput[]): (readonly number[])[] {
    return outputs.map((output) => this.values[this.valueOf(output)]!.shape);
  }

  /** The graph as far as it goes. */
  finish(results: readonly GraphOutput[], effects: readonly Pointer[]): RecordedGraph {
    const { nodes, values } = this;
    return {
      nodes,
      values,
      results: results.map((result) => this.valueOf(result)),
      effects: effects.flatMap((oper) => this.nodeOf.get(oper) ?? []),
    };
  }

  private valueOf(output: GraphOutput): number {
    const node = this.nodeOf.get(output.oper) ?? -1;
    const known = this.nodes[node]?.outputs[output.index];
    if (known !== undefined) return known;
    // An output that nobody described, such as a token: it takes no memory.
    const value = this.values.push({ node, shape: [0], dtype: DataType.float }) - 1;
    const outputs = this.nodes[node]?.outputs;
    if (outputs !== undefined) outputs[output.index] = value;
    return value;
  }
}
