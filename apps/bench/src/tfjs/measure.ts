import type * as core from '@tensorflow/tfjs-core';
import { makeInputs } from '../compare/inputs.ts';
import { median } from '../measure/median.ts';
import type { StepShape } from '../measure/step.ts';
import { overheadGroup, stepGroup, type Timed } from './contestants.ts';

/** Medians of one group. */
export interface GroupTimes {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly processor: number; readonly wall: number }[];
}

/** Times all groups on the backend that this tfjs runs on, member after member in each round: processor time and wall time in milliseconds. */
export async function measureTfjs(tf: typeof core, shape: StepShape, rounds: number): Promise<GroupTimes[]> {
  const inputs = makeInputs(shape);
  const times: GroupTimes[] = [];
  try {
    for (const make of [stepGroup, overheadGroup]) {
      const { title, members, dispose } = await make(tf, inputs);
      for (const { run } of [...members, ...members]) await run();
      const all = members.map(() => ({ processor: [] as number[], wall: [] as number[] }));
      for (let round = 0; round < rounds; round++)
        for (const turn of members.keys()) {
          // What one leaves behind, such as garbage, the next pays for: not always the same one.
          const index = (round % 2 === 0 ? turn : members.length - 1 - turn + round) % members.length;
          const { processor, wall } = await timed(members[index]!);
          all[index]!.processor.push(processor);
          all[index]!.wall.push(wall);
        }
      dispose();
      times.push({
        title,
        rows: members.map(({ name }, index) => ({
          name,
          processor: median(all[index]!.processor),
          wall: median(all[index]!.wall),
        })),
      });
    }
  } finally {
    inputs.remove();
  }
  return times;
}

async function timed({ run }: Timed): Promise<{ processor: number; wall: number }> {
  const [before, began] = [process.cpuUsage(), performance.now()];
  await run();
  const { user, system } = process.cpuUsage(before);
  return { processor: (user + system) / 1000, wall: performance.now() - began };
}

/** A table for each group; ratios are those of processor time to the first member's. */
export function tfjsTables(times: readonly GroupTimes[]): string {
  return times
    .map(({ title, rows }) => {
      const lines = rows.map(
        ({ name, processor, wall }) =>
          `| ${name} | ${processor.toFixed(1)} | ${wall.toFixed(1)} | ${(processor / rows[0]!.processor).toFixed(2)} |`,
      );
      return [`| ${title} | processor ms | wall ms | of the first |`, '| --- | ---: | ---: | ---: |', ...lines].join(
        '\n',
      );
    })
    .join('\n\n');
}
