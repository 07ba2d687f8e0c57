import type { Backend, DeviceBuffer, Executable } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { ConcreteType } from '../program/tensor-type.ts';
import { isSeveral, uploadBatch, type AnyBatch, type AnyBatches, type SeveralBatches } from './batch.ts';
import { CollapseWatch } from './collapse-watch.ts';
import { ratesOf, stepNumbers } from './controls.ts';
import type { Definition } from './definition.ts';
import { DeviceState } from './device-state.ts';
import { noFailedStep, reportNames } from './finish-step.ts';
import { ProgramSet } from './program-set.ts';
import { stateFromBytes, stateToBytes, toDType, type Numbers, type TrainerState } from './state.ts';
import { heldTypes } from './step-programs.ts';
import { measureTimescale, type Timescale } from './timescale.ts';
import { trackedCount } from './track-temperature.ts';

type AnyControls = Readonly<Record<string, number>>;
type Values = Readonly<Record<string, number>>;

/** Steps between two looks at the flag of non-finite losses. */
const lookEvery = 64;

/** A trainer without types of names. */
export class TrainerCore {
  readonly #backend: Backend;
  readonly #definition: Definition;
  readonly #state: DeviceState;
  readonly #programs: ProgramSet;
  readonly #watch: CollapseWatch | undefined;
  readonly #onWarning: ((warning: string) => void) | undefined;
  #steps = 0;
  #reports: DeviceBuffer | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, definition: Definition, onWarning: ((warning: string) => void) | undefined) {
    this.#backend = backend;
    this.#definition = definition;
    this.#state = new DeviceState(backend, definition, heldTypes(definition));
    this.#programs = new ProgramSet(backend, definition);
    this.#onWarning = onWarning;
    this.#watch = onWarning && definition.tracking && new CollapseWatch(onWarning);
  }

  get steps(): number {
    return this.#steps;
  }

  async step(batches: AnyBatches, controls: AnyControls = {}): Promise<void> {
    if (isSeveral(batches)) return this.#inTurn(() => this.#stepOfSeveral(batches, controls));
    this.#state.requireAlive();
    // Uploaded now: its arrays may change once this returns, whatever is still waiting.
    const batch = uploadBatch(this.#backend, this.#definition.inputs, batches);
    return this.#inTurn(async () => {
      const scratch = batch.own.map((index) => batch.buffers[index]!);
      await this.#freeOnError(scratch, async () => {
        const executable = await this.#programs.step(batch.types);
        const inputs = [...batch.buffers, this.#uploadControls(controls, scratch), ...this.#state.frozen];
        // A run may refuse buffers of the caller's and would consume the state all the same, so it is lent there.
        const isLent = batch.own.length < batch.buffers.length;
        const held = isLent ? this.#state.held : this.#state.take();
        const kept = new Set(inputs.filter((buffer) => !scratch.includes(buffer)));
        if (isLent) held.forEach((buffer) => kept.add(buffer));
        await this.#finish(executable, [...inputs, ...held], kept);
      });
    });
  }

  async #stepOfSeveral(batches: SeveralBatches, controls: AnyControls): Promise<void> {
    const scratch: DeviceBuffer[] = [];
    await this.#freeOnError(scratch, async () => {
      const numbers = this.#uploadControls(controls, scratch);
      const running = await this.#sums(batches, numbers, scratch);
      const update = await this.#programs.update();
      await this.#finish(update, [numbers, ...running, ...this.#state.take()], new Set());
    });
  }

  /** Scalar sums, gradient sums and statistics after all batches; what is made on the way joins `scratch`. */
  async #sums(
    batches: SeveralBatches,
    numbers: DeviceBuffer,
    scratch: DeviceBuffer[],
  ): Promise<readonly DeviceBuffer[]> {
    const { trained } = this.#state;
    let statistics = this.#state.statistics;
    let sums: readonly DeviceBuffer[] = [];
    for await (const each of batches) {
      const batch = uploadBatch(this.#backend, this.#definition.inputs, each);
      scratch.push(...batch.own.map((index) => batch.buffers[index]!));
      const executable = await this.#programs.accumulate(batch.types);
      if (sums.length === 0) scratch.push(...(sums = this.#state.zeros(this.#programs.sumCount)));
      const inputs = [...batch.buffers, numbers, ...this.#state.frozen, ...trained, ...statistics, ...sums];
      const kept = new Set(inputs.filter((buffer) => buffer === numbers || !scratch.includes(buffer)));
      const results = await this.#run(executable, inputs, kept);
      scratch.splice(1, Infinity, ...results);
      statistics = results.slice(0, statistics.length);
      sums = results.slice(statistics.length);
    }
    if (sums.length === 0) throw new DdclError('argument', 'A step takes at least one batch, but the list is empty.');
    return [...sums, ...statistics];
  }

  /** Runs what ends a step: all held tensors come back, and the reports. */
  async #finish(
    executable: Executable,
    inputs: readonly DeviceBuffer[],
    kept: ReadonlySet<DeviceBuffer>,
  ): Promise<void> {
    const [reports] = this.#state.put(await this.#run(executable, inputs, kept));
    if (this.#reports !== undefined) this.#backend.free(this.#reports);
    this.#reports = reports;
    this.#steps++;
    if (this.#steps % lookEvery !== 0) return;
    if (this.#watch === undefined || reports === undefined) await this.#check();
    else await this.#readReports();
  }

  report(): Promise<Values> {
    return this.#inTurn(() => this.#readReports());
  }

  async #readReports(): Promise<Values> {
    this.#state.requireAlive();
    if (this.#reports === undefined) {
      throw new DdclError(
        'argument',
        this.#definition.reports
          ? 'There is no step to report yet. Make one first.'
          : 'This trainer was made with reports: false.',
      );
    }
    const values = await this.#backend.download(this.#reports);
    const names = reportNames(this.#definition, this.#programs.names);
    const { failedStep, ...report } = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
    // Of prototypes that stood still, as with a rate of 0.
    if (report['epsilon']! > 1e12) report['epsilon'] = Infinity;
    this.#refuseFailed(failedStep!);
    this.#watch?.look(report, this.#steps);
    return report;
  }

  async evaluate(batches: AnyBatches, controls: AnyControls = {}): Promise<Values> {
    return this.#inTurn(async () => {
      let totals: number[] | undefined;
      for await (const batch of isSeveral(batches) ? batches : [batches]) {
        const compile = (types: readonly ConcreteType[]): Promise<Executable> => this.#programs.evaluate(types);
        totals = await this.#look(batch, controls, compile, async ([packed]) =>
          Array.from(await this.#backend.download(packed!), (value, index) => value + (totals?.[index] ?? 0)),
        );
      }
      if (totals === undefined)
        throw new DdclError('argument', 'evaluate takes at least one batch, but the list is empty.');
      const sum = totals.at(-1)!;
      const weight = Number.isFinite(sum) ? sum || 1 : NaN;
      return Object.fromEntries(
        this.#programs.names.map((name, index) => [name, totals![index]! / (name === 'weight' ? 1 : weight)]),
      );
    });
  }

  async timescale(batch: AnyBatch, controls: AnyControls = {}): Promise<Timescale> {
    if (this.#definition.tracking === undefined)
      throw new DdclError('argument', 'The timescale needs to know the tokens of a batch. Set trackTemperature.');
    return this.#inTurn(async () => {
      const movementEpsilon = this.#reports && (await this.#readReports())['epsilon'];
      const state = await this.#state.read(this.#steps);
      const rates = ratesOf(this.#definition, stepNumbers(this.#definition, controls, Math.max(1, this.#steps)));
      const compile = (types: readonly ConcreteType[]): Promise<Executable> => this.#programs.tokens(types);
      const [tokens, weights, temperature] = await this.#look(batch, controls, compile, (results) =>
        Promise.all(results.map(async (buffer) => (await this.#backend.download(buffer)) as Numbers)),
      );
      const place = { tokens: tokens!, weights: weights!, temperature: temperature![0]!, state };
      return measureTimescale(this.#backend, this.#definition, { ...place, rates, movementEpsilon }, this.#onWarning);
    });
  }

  /** Runs a program of one batch that moves nothing and gives its results to `use`; nothing of it stays. */
  async #look<T>(
    batch: AnyBatch,
    controls: AnyControls,
    compile: (types: readonly ConcreteType[]) => Promise<Executable>,
    use: (results: readonly DeviceBuffer[]) => Promise<T>,
  ): Promise<T> {
    const { types, buffers, own } = uploadBatch(this.#backend, this.#definition.inputs, batch);
    const scratch = own.map((index) => buffers[index]!);
    try {
      const executable = await compile(types);
      const numbers = this.#uploadControls(controls, scratch);
      const { frozen, trained, statistics } = this.#state;
      const results = await executable.run([...buffers, numbers, ...frozen, ...trained, ...statistics]);
      scratch.push(...results);
      return await use(results);
    } finally {
      for (const buffer of scratch) this.#backend.free(buffer);
    }
  }

  async read(): Promise<Readonly<Record<string, Numbers>>> {
    return (await this.state()).parameters;
  }

  buffers(): Promise<Readonly<Record<string, DeviceBuffer>>> {
    return this.#inTurn(async () => {
      await this.#check();
      const { trained, frozen, carried, tracking } = this.#definition;
      const running = this.#state.statistics.slice(trackedCount(tracking));
      const held = [...this.#state.trained, ...this.#state.frozen, ...running];
      return Object.fromEntries([...trained, ...frozen, ...carried].map(({ name }, index) => [name, held[index]!]));
    });
  }

  check(): Promise<void> {
    return this.#inTurn(() => this.#check());
  }

  async #check(): Promise<void> {
    this.#refuseFailed(await this.#state.failedStep());
  }

  #refuseFailed(step: number): void {
    if (step === noFailedStep) return;
    throw new DdclError(
      'data',
      `The loss of step ${step}, or its gradient, was not finite; parameters and optimisers stayed as they were after step ${step - 1}, and later steps did nothing. Read or save them, then go on from there with a lower learning rate or a clipNorm, and look at the numbers of that step's batch.`,
    );
  }

  state(): Promise<TrainerState<Numbers>> {
    return this.#inTurn(() => this.#state.read(this.#steps));
  }

  setState(state: TrainerState): Promise<void> {
    return this.#inTurn(async () => {
      this.#state.set(state);
      this.#steps = state.step;
      if (this.#reports !== undefined) this.#backend.free(this.#reports);
      this.#reports = undefined;
    });
  }

  async toBytes(): Promise<Uint8Array<ArrayBuffer>> {
    return stateToBytes(this.#definition, await this.state());
  }

  async restore(bytes: Uint8Array | ArrayBuffer): Promise<void> {
    return this.setState(stateFromBytes(this.#definition, bytes));
  }

  dispose(): void {
    this.#state.dispose();
    this.#programs.dispose();
    if (this.#reports !== undefined) this.#backend.free(this.#reports);
    this.#reports = undefined;
  }

  /** One after the other: each consumes what the one before gave back. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#state.requireAlive();
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Runs and consumes all inputs but those to keep. */
  #run(
    executable: Executable,
    inputs: readonly DeviceBuffer[],
    kept: ReadonlySet<DeviceBuffer>,
  ): Promise<readonly DeviceBuffer[]> {
    return executable.run(inputs, { donate: inputs.flatMap((buffer, index) => (kept.has(buffer) ? [] : [index])) });
  }

  #uploadControls(controls: AnyControls, scratch: DeviceBuffer[]): DeviceBuffer {
    const { dtype } = this.#definition;
    const numbers = toDType(stepNumbers(this.#definition, controls, this.#steps + 1), dtype);
    const buffer = this.#backend.upload({ dtype, shape: [numbers.length] }, numbers);
    scratch.push(buffer);
    return buffer;
  }

  async #freeOnError(buffers: readonly DeviceBuffer[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      for (const buffer of buffers) this.#backend.free(buffer);
      throw error;
    }
  }
}
