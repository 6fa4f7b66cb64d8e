import { AttrKind, setAttribute } from './capi/attributes.js';
import type { Precision } from './capi/config-proto.js';
import { DataType } from './capi/data-type.js';
import type { GraphOutput, Pointer } from './capi/native.js';
import { Status } from './capi/status.js';
import { castAttrs } from './cast-attrs.js';
import { GraphRecord, type RecordedGraph } from './compile/recorded-graph.js';
import { EngineError } from './errors.js';
import type { Runtime } from './runtime.js';
import type { OpAttr } from './tfjs-node.js';
import { userFrame } from './user-frame.js';

/** A value in the graph, with what is known of it. */
export interface NodeOutput {
  readonly output: GraphOutput;
  readonly shape: number[];
  readonly dtype: number;
}

/** A resource variable of the function's state, as the graph sees it. */
interface GraphVariable {
  readonly resource: GraphOutput;
  readonly shape: number[];
  readonly dtype: number;
  /** Nodes that read the value it holds now. */
  readonly reads: Set<Pointer>;
  /** Those nodes and everything that takes their output: an update has to come after all of them. */
  readonly users: Pointer[];
  /** The latest update, which later reads have to come after. */
  writer: Pointer | null;
}

/** A finished function, added to the context under its name. */
export interface TracedFunction {
  readonly name: string;
  readonly nodes: number;
  /** What it does, in the order of tracing. */
  readonly recorded: RecordedGraph;
}

/** A function of one result that others call, compiled by XLA. It lives as long as the context. */
export interface InnerFunction {
  readonly name: string;
  /** TF_Function, for graphs that call it. */
  readonly pointer: Pointer;
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** AttrValue { b: true } */
const TRUE = Uint8Array.of(0x28, 1);
const XLA = '_XlaMustCompile';

let functions = 0;

/**
 * One TensorFlow graph under construction: what `compile` builds while the user's function runs. Operations become
 * nodes instead of results; their shapes come from TensorFlow's own shape inference.
 */
export class Trace {
  readonly graph: Pointer;
  private readonly status: Status;
  private readonly inputs: GraphOutput[] = [];
  private readonly variables: GraphVariable[] = [];
  /** Variable index by the node that reads it. */
  private readonly readsOf = new Map<Pointer, number>();
  /** Operations that run for their effect. */
  private readonly effects: Pointer[] = [];
  /** Operations that every node created now has to wait for. */
  private after: readonly Pointer[] = [];
  private nodeCount = 0;
  /** Functions that the graph has copies of. */
  private readonly known = new Set<InnerFunction>();
  private readonly record = new GraphRecord();
  /** State variables that live in the graph itself, for a session of its own; else they are parameters. */
  ownsVariables = false;

  constructor(
    private readonly runtime: Runtime,
    /** Name for messages. */
    readonly label: string,
    /** What the function is going to compute in. */
    readonly precision: Precision = 'float32',
    /** Whether XLA is going to compile it, which knows fewer operations. */
    readonly xla = false,
  ) {
    this.graph = runtime.native.TF_NewGraph!() as Pointer;
    this.status = new Status(runtime.native);
  }

  /** A parameter as a value of `dtype`, whatever narrower type its elements are passed in. */
  parameter(dtype: number, shape: number[], storedAs: number | undefined): NodeOutput {
    const output = this.placeholder(storedAs ?? dtype, shape);
    if (storedAs === undefined) return { output, shape, dtype };
    return this.operation('Cast', castAttrs(storedAs, dtype), [output], 1)[0]!;
  }

  /** A parameter of the function. Parameters are passed in order of declaration. */
  placeholder(dtype: number, shape: readonly number[] | null): GraphOutput {
    const attrs: OpAttr[] = [{ name: 'dtype', type: AttrKind.type, value: dtype }];
    if (shape !== null) attrs.push({ name: 'shape', type: AttrKind.shape, value: shape });
    const output = { oper: this.node('Placeholder', attrs, []), index: 0 };
    if (shape !== null) this.record.output(output, shape, dtype);
    this.inputs.push(output);
    return output;
  }

  /** A parameter that is a resource variable, updated in place. @returns its index */
  variable(dtype: number, shape: readonly number[]): number {
    const resource = this.ownsVariables ? this.ownVariable(dtype, shape) : this.placeholder(DataType.resource, []);
    return this.variables.push({ resource, dtype, shape: [...shape], reads: new Set(), users: [], writer: null }) - 1;
  }

  private ownVariable(dtype: number, shape: readonly number[]): GraphOutput {
    const attrs: OpAttr[] = [
      { name: 'dtype', type: AttrKind.type, value: dtype },
      { name: 'shape', type: AttrKind.shape, value: shape },
      { name: 'shared_name', type: AttrKind.string, value: `state_${this.variables.length}` },
    ];
    const output = { oper: this.node('VarHandleOp', attrs, []), index: 0 };
    this.record.output(output, [], DataType.resource);
    return output;
  }

  /** The parameters so far, in order of declaration. */
  get parameters(): readonly GraphOutput[] {
    return this.inputs;
  }

  /** Operations that run for their effect. */
  get effectOpers(): readonly Pointer[] {
    return this.effects;
  }

  /** Operations that give the graph's own variables the values of new parameters, in the order of the variables. */
  initializers(): readonly { readonly value: GraphOutput; readonly assign: Pointer }[] {
    return this.variables.map(({ resource, dtype, shape }) => {
      const value = this.placeholder(dtype, shape);
      const attrs = [{ name: 'dtype', type: AttrKind.type, value: dtype }];
      return { value, assign: this.node('AssignVariableOp', attrs, [resource, value]) };
    });
  }

  /** The current value of a state variable. */
  readVariable(index: number): NodeOutput {
    const { native } = this.runtime;
    const variable = this.variables[index]!;
    const attrs = [{ name: 'dtype', type: AttrKind.type, value: variable.dtype }];
    const oper = this.following(variable.writer === null ? [] : [variable.writer], () =>
      this.node('ReadVariableOp', attrs, [variable.resource]),
    );
    const output = { oper, index: 0 };
    native.TF_GraphSetTensorShape!(this.graph, output, variable.shape, variable.shape.length, this.status.pointer);
    this.status.check({ op: 'ReadVariableOp' });
    this.record.output(output, variable.shape, variable.dtype);
    this.readsOf.set(oper, index);
    variable.reads.add(oper);
    variable.users.push(oper);
    return { output, shape: variable.shape, dtype: variable.dtype };
  }

  /** Whether `output` is the value that the variable holds now, so that an update of it may happen in place. */
  isCurrent(output: GraphOutput, index: number): boolean {
    return this.variables[index]?.reads.has(output.oper) === true;
  }

  /**
   * Add an operation that changes state variables, after everything that uses their old values.
   * @param inputs values, and numbers for the resources of variables; all variables named are taken as changed
   */
  update(op: string, attrs: readonly OpAttr[], inputs: readonly (GraphOutput | number)[]): void {
    const changed = inputs.filter((input) => typeof input === 'number').map((index) => this.variables[index]!);
    const before = changed.flatMap(({ users, writer }) => (writer === null ? users : [...users, writer]));
    const operands = inputs.map((input) => (typeof input === 'number' ? this.variables[input]!.resource : input));
    const oper = this.following([...new Set(before)], () => this.node(op, attrs, operands));
    for (const variable of changed) {
      variable.writer = oper;
      variable.reads.clear();
      variable.users.length = 0;
    }
    this.effects.push(oper);
  }

  /** Run `build` so that each node it adds waits for `opers`. */
  following<T>(opers: readonly Pointer[], build: () => T): T {
    const outer = this.after;
    this.after = opers.length === 0 ? outer : [...outer, ...opers];
    try {
      return build();
    } finally {
      this.after = outer;
    }
  }

  /** A copy of `token` that exists only after every effect has happened, and fails where one fails. */
  sealed(token: GraphOutput): GraphOutput {
    const attrs = [{ name: 'T', type: AttrKind.type, value: DataType.float }];
    return this.following(this.effects, () => ({ oper: this.node('Identity', attrs, [token]), index: 0 }));
  }

  /** The latest operation that changed state, to order something after it. */
  get lastEffect(): Pointer | null {
    return this.effects.at(-1) ?? null;
  }

  /** Add an operation. @returns its outputs; their shapes must be static */
  operation(op: string, attrs: readonly OpAttr[], inputs: readonly GraphOutput[], outputs: number): NodeOutput[] {
    const oper = this.node(op, attrs, inputs);
    if (outputs === 0) this.effects.push(oper);
    return Array.from({ length: outputs }, (_, index) => this.describe(op, { oper, index }));
  }

  /** A constant from native tensor memory, which stays the caller's. */
  constant(tensor: Pointer, dtype: number): NodeOutput {
    const { native } = this.runtime;
    const name = `c${this.nodeCount++}`;
    const description = native.TF_NewOperation!(this.graph, 'Const', name) as Pointer;
    native.TF_SetAttrType!(description, 'dtype', dtype);
    native.TF_SetAttrTensor!(description, 'value', tensor, this.status.pointer);
    this.status.check({ op: 'Const' });
    const oper = native.TF_FinishOperation!(description, this.status.pointer) as Pointer;
    this.status.check({ op: 'Const' });
    this.record.node(oper, name, 'Const', []);
    return this.describe('Const', { oper, index: 0 });
  }

  /** A call of another function, which stays one: XLA compiles it, at the first call in the process. */
  call(callee: InnerFunction, inputs: readonly NodeOutput[]): NodeOutput {
    const { native } = this.runtime;
    if (!this.known.has(callee)) {
      native.TF_GraphCopyFunction!(this.graph, callee.pointer, null, this.status.pointer);
      this.status.check({ op: callee.name });
      this.known.add(callee);
    }
    const attrs: OpAttr[] = [
      { name: 'Tin', type: AttrKind.type, value: inputs.map(({ dtype }) => dtype) },
      { name: 'Tout', type: AttrKind.type, value: [callee.dtype] },
      { name: 'f', type: AttrKind.func, value: callee.name },
      { name: XLA, type: AttrKind.bool, value: true },
    ];
    const oper = this.node(
      'PartitionedCall',
      attrs,
      inputs.map(({ output }) => output),
    );
    const output = { oper, index: 0 };
    native.TF_GraphSetTensorShape!(this.graph, output, callee.shape, callee.shape.length, this.status.pointer);
    this.status.check({ op: callee.name });
    this.record.output(output, callee.shape, callee.dtype);
    return { output, shape: [...callee.shape], dtype: callee.dtype };
  }

  /** Close the graph into a function for other functions to {@link call}. The trace is spent afterwards. */
  finishInner({ output, shape, dtype }: NodeOutput): InnerFunction {
    const { native, context } = this.runtime;
    const { name, pointer } = this.toFunction([output]);
    native.TF_FunctionSetAttrValueProto!(pointer, XLA, TRUE, TRUE.length, this.status.pointer);
    this.status.check({ op: this.label });
    native.TFE_ContextAddFunction!(context, pointer, this.status.pointer);
    this.status.check({ op: this.label });
    return { name, pointer, shape, dtype };
  }

  /** Close the graph into a function of the context. The trace is spent afterwards. */
  finish(outputs: readonly GraphOutput[]): TracedFunction {
    const { native, context } = this.runtime;
    const { name, pointer } = this.toFunction(outputs);
    native.TFE_ContextAddFunction!(context, pointer, this.status.pointer);
    this.status.check({ op: this.label });
    native.TF_DeleteFunction!(pointer);
    return { name, nodes: this.nodeCount, recorded: this.record.finish(outputs, this.effects) };
  }

  private toFunction(outputs: readonly GraphOutput[]): { name: string; pointer: Pointer } {
    const { native } = this.runtime;
    const name = `${this.label.replace(/\W/g, '_')}_${functions++}`;
    const pointer = native.TF_GraphToFunctionWithControlOutputs!(
      this.graph,
      name,
      0,
      -1,
      null,
      this.inputs.length,
      this.inputs,
      outputs.length,
      outputs,
      null,
      this.effects.length,
      this.effects,
      this.effects.map((_, i) => `effect_${i}`),
      null,
      null,
      this.status.pointer,
    ) as Pointer;
    this.status.check({ op: this.label });
    return { name, pointer };
  }

  /** Free the graph; functions made from it live on. */
  dispose(): void {
    this.runtime.native.TF_DeleteGraph!(this.graph);
    this.status.dispose();
  }

  /** An error about the operation being traced, with the user's line. */
  refuse(op: string, problem: string, advice: string): EngineError {
    return new EngineError(`compile '${this.label}': ${op} ${problem}${userFrame()}. ${advice}`, { code: 'usage', op });
  }

  private node(op: string, attrs: readonly OpAttr[], inputs: readonly GraphOutput[]): Pointer {
    const { native } = this.runtime;
    const definition = this.runtime.opDefs.get(op);
    if (definition === undefined)
      throw this.refuse(op, 'is no operation of this libtensorflow', 'Compute it outside and pass the result in.');
    const name = `n${this.nodeCount++}`;
    const description = native.TF_NewOperation!(this.graph, op, name) as Pointer;
    for (const attr of attrs) setAttribute(native, description, true, attr, this.status.pointer);
    let at = 0;
    for (const [position, { countAttr }] of definition.inputs.entries()) {
      if (countAttr === undefined) {
        const input = inputs[at++];
        if (input === undefined) throw this.refuse(op, `lacks its input ${position}`, 'This is a fault of the kernel.');
        native.TF_AddInput!(description, input);
      } else {
        const count = listLength(attrs, countAttr) ?? inputs.length - (definition.inputs.length - 1);
        native.TF_AddInputList!(description, inputs.slice(at, at + count), count);
        at += count;
      }
    }
    for (const oper of this.after) native.TF_AddControlInput!(description, oper);
    const oper = native.TF_FinishOperation!(description, this.status.pointer) as Pointer;
    // Shapes are looked up only for what went wrong: functions have thousands of nodes.
    const error = this.status.error(() => ({
      op,
      device: this.runtime.choice.device.name,
      inputShapes: this.record.shapesOf(inputs),
    }));
    if (error !== null) throw new EngineError(`compile '${this.label}': ${error.message}${userFrame()}`, error);
    this.record.node(oper, name, op, inputs, this.after);
    for (const input of inputs) {
      const variable = this.readsOf.get(input.oper);
      if (variable !== undefined) this.variables[variable]!.users.push(oper);
    }
    return oper;
  }

  private describe(op: string, output: GraphOutput): NodeOutput {
    const { native } = this.runtime;
    const { pointer } = this.status;
    const rank = native.TF_GraphGetTensorNumDims!(this.graph, output, pointer) as number;
    this.status.check({ op });
    const dims = new BigInt64Array(Math.max(rank, 0));
    if (rank > 0) native.TF_GraphGetTensorShape!(this.graph, output, dims, rank, pointer);
    this.status.check({ op });
    const shape = Array.from(dims, Number);
    if (rank < 0 || shape.some((size) => size < 0))
      throw this.refuse(
        op,
        `has a result whose shape depends on values (${rank < 0 ? 'unknown rank' : `[${shape.map((size) => (size < 0 ? '?' : size)).join(',')}]`})`,
        'A compiled function needs shapes that follow from the shapes of its arguments: do this step outside, or use a form with a fixed size (tf.where with three arguments, tf.topk, masks).',
      );
    const dtype = native.TF_OperationOutputType!(output) as number;
    this.record.output(output, shape, dtype);
    return { output, shape, dtype };
  }
}

/** Length of a list input: an integer attribute counts it, or a list of types has one entry a tensor. */
function listLength(attrs: readonly OpAttr[], countAttr: string): number | undefined {
  const value = attrs.find(({ name }) => name === countAttr)?.value;
  return Array.isArray(value) ? value.length : typeof value === 'number' ? value : undefined;
}
