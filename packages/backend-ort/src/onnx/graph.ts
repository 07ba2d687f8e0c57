import { create } from '@bufbuild/protobuf';
import { DdclError, type Dimension, type TypedArray } from '@ddcl/core/backend';
import { attributeProto, type OnnxAttributes } from './attribute.ts';
import { GraphProtoSchema, NodeProtoSchema, type GraphProto, type NodeProto, type TensorProto } from './onnx_pb.ts';
import { tensorProto, valueInfo, type OnnxDType } from './tensor.ts';

/** Name of a value inside a graph. */
export type OnnxName = string;

export interface NodeOptions {
  readonly attributes?: OnnxAttributes;
  /** How many outputs the node has. Default 1. */
  readonly outputs?: number;
  /** `com.microsoft` for ONNX Runtime's own ops. Default: the standard ones. */
  readonly domain?: string;
  /** The opset that first has this op in this form. Default: 11, which has most. */
  readonly since?: number;
}

/** What all graphs of one model share: names are unique in the whole model, and the opset is the model's. */
interface ModelScope {
  count: number;
  /** What nodes are made for at the moment; the first part of their names, so that an error of the runtime leads back to it. */
  label: string;
  opset: number;
  /** For nodes that are added to a model of a given opset: that one, and no other. */
  readonly fixed: boolean;
  /** The first part of all names, to keep them apart from those of a model that is added to. */
  readonly prefix: string;
  readonly domains: Set<string>;
  /** What each node was made for, by its name. */
  readonly nodeLabels: Map<string, string>;
  /** Values that subgraphs use: their names are in the subgraphs and cannot change any more. */
  readonly captured: Set<OnnxName>;
}

/** The lowest opset that we write: from 13 on, sums and softmax have the meaning that programs need. */
const lowestOpset = 13;

/** What nodes that are added to an existing model keep to. */
export interface ExistingModel {
  readonly opset: number;
  readonly prefix: string;
}

function newScope(existing?: ExistingModel): ModelScope {
  return {
    count: 0,
    label: '',
    opset: existing?.opset ?? lowestOpset,
    fixed: existing !== undefined,
    prefix: existing?.prefix ?? '',
    domains: new Set(),
    nodeLabels: new Map(),
    captured: new Set(),
  };
}

/** A graph that is being written: nodes in order, constants once each. Subgraphs see the names of the graphs around them. */
export class OnnxGraph {
  readonly #scope: ModelScope;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: Parameters<typeof valueInfo>[] = [];
  readonly #outputs: Parameters<typeof valueInfo>[] = [];
  readonly #constants = new Map<string, OnnxName>();
  /** Values that were given the name of an output, by the name that they had. */
  readonly #renamed = new Map<OnnxName, OnnxName>();
  readonly #parent: OnnxGraph | undefined;

  /** @param within the graph around a subgraph, or the model that nodes are added to */
  constructor(within?: OnnxGraph | ExistingModel) {
    this.#parent = within instanceof OnnxGraph ? within : undefined;
    this.#scope = within instanceof OnnxGraph ? within.#scope : newScope(within);
  }

  /** The smallest opset that has all ops written so far. */
  get opset(): number {
    return this.#scope.opset;
  }

  /** Whether ops that a later opset brought can be used. */
  allows(since: number): boolean {
    return !this.#scope.fixed || since <= this.#scope.opset;
  }

  /** Domains of ops that are not standard. */
  get domains(): readonly string[] {
    return [...this.#scope.domains];
  }

  /** What each node was made for, by the node's name. */
  get nodeLabels(): ReadonlyMap<string, string> {
    return this.#scope.nodeLabels;
  }

  /** What the following nodes are made for, such as `matmul`; part of their names. */
  set label(text: string) {
    this.#scope.label = text;
  }

  /** A name that no other value of the model has. */
  fresh(hint: string): OnnxName {
    return `${this.#scope.prefix}${hint}_${this.#scope.count++}`;
  }

  input(name: OnnxName, dtype: OnnxDType, shape: readonly Dimension[]): OnnxName {
    this.#inputs.push([name, dtype, shape]);
    return name;
  }

  output(name: OnnxName, dtype: OnnxDType, shape: readonly Dimension[]): void {
    this.#outputs.push([name, dtype, shape]);
  }

  /** Adds a node; returns the names of its outputs. */
  nodes(op: string, inputs: readonly OnnxName[], options: NodeOptions = {}): OnnxName[] {
    const { attributes = {}, outputs = 1, domain = '', since = 11 } = options;
    const { label } = this.#scope;
    const name = this.fresh(label === '' || label === op ? op : `${label}/${op}`);
    const output = Array.from({ length: outputs }, (_, index) => `${name}:${index}`);
    this.#require(op, since);
    if (domain !== '') this.#scope.domains.add(domain);
    this.#scope.nodeLabels.set(name, label === '' ? op : label);
    if (this.#parent !== undefined) for (const input of inputs) this.#scope.captured.add(input);
    this.#nodes.push(
      create(NodeProtoSchema, {
        name,
        opType: op,
        domain,
        input: [...inputs],
        output,
        attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
      }),
    );
    return output;
  }

  /** Adds a node of one output; returns its name. */
  node(op: string, inputs: readonly OnnxName[], attributes: OnnxAttributes = {}, options: NodeOptions = {}): OnnxName {
    return this.nodes(op, inputs, { ...options, attributes })[0]!;
  }

  /** Reduces over axes; the op takes them as an input from opset `asInput` on, before that as an attribute. */
  reduce(op: string, value: OnnxName, axes: readonly number[], keepDims: boolean): OnnxName {
    const keepdims = { int: Number(keepDims) };
    const asInput = op === 'ReduceSum' ? 13 : 18;
    if (this.#scope.opset >= asInput) return this.node(op, [value, this.int64s(axes)], { keepdims }, { since: 11 });
    return this.node(op, [value], { axes: { ints: axes }, keepdims }, { since: 11 });
  }

  /**
   * Gives a value the name of an output: its node writes it under that name, so that the runtime makes no copy. An input of the
   * graph, a value that a subgraph uses, and one that is an output already, are copied.
   */
  rename(from: OnnxName, to: OnnxName): void {
    const maker = this.#nodes.find((node) => node.output.includes(from));
    const isCaptured = this.#parent === undefined && this.#scope.captured.has(from);
    if (maker === undefined || isCaptured) {
      this.#nodes.push(
        create(NodeProtoSchema, {
          name: this.fresh('Identity'),
          opType: 'Identity',
          input: [this.#renamed.get(from) ?? from],
          output: [to],
        }),
      );
      return;
    }
    this.#renamed.set(from, to);
    const replace = (names: string[]): string[] => names.map((name) => (name === from ? to : name));
    maker.output = replace(maker.output);
    for (const node of this.#nodes) node.input = replace(node.input);
  }

  constant(dtype: OnnxDType, shape: readonly number[], data: TypedArray | BigInt64Array): OnnxName {
    const root = this.#root();
    // Small constants repeat (axes, 1, 2); large ones come once.
    const key =
      data.length <= 16
        ? `${dtype}[${shape}]${Array.from<number | bigint, string>(data, (x) => (Object.is(x, -0) ? '-0' : String(x)))}`
        : undefined;
    const known = key === undefined ? undefined : root.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('constant');
    root.#initializers.push(tensorProto(name, dtype, shape, data));
    if (key !== undefined) root.#constants.set(key, name);
    return name;
  }

  /** A list of whole numbers, as shapes, axes and starts are given. */
  int64s(values: readonly number[]): OnnxName {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  float(value: number): OnnxName {
    return this.constant('float32', [], Float32Array.of(value));
  }

  proto(name: string): GraphProto {
    return create(GraphProtoSchema, {
      name,
      node: this.#nodes,
      initializer: this.#initializers,
      input: this.#inputs.map((info) => valueInfo(...info)),
      output: this.#outputs.map((info) => valueInfo(...info)),
    });
  }

  #require(op: string, since: number): void {
    const { opset, fixed } = this.#scope;
    if (since <= opset) return;
    if (fixed) {
      throw new DdclError(
        'unsupported',
        `The model has ONNX opset ${opset}, but ${op} needs ${since}. Export the encoder again with opset ${since} or higher.`,
        { op },
      );
    }
    this.#scope.opset = since;
  }

  #root(): OnnxGraph {
    return this.#parent === undefined ? this : this.#parent.#root();
  }
}
