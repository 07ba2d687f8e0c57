import { Command } from 'commander';
import { checkBackends, describeMachine } from '../backends/backends.ts';
import { version } from '../output/version.ts';

/** `ddcl doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('which backends this machine can run, and why not the others')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  $ ddcl doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const machine = describeMachine();
      const backends = await checkBackends();
      if (json) {
        process.stdout.write(`${JSON.stringify({ ddcl: version, machine, backends })}\n`);
        return;
      }
      const { node, platform, processor, cores, memoryGiB } = machine;
      const lines = [
        `ddcl ${version}, Node ${node}, ${platform}, ${processor}, ${cores} cores, ${memoryGiB} GiB`,
        ...backends.map(
          ({ name, description, runs, detail }) =>
            `${name.padEnd(8)} ${runs ? 'runs' : 'does not run'}: ${detail} (${description})`,
        ),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}
