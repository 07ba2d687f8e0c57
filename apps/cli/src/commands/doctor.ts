import { Command } from 'commander';
import { autoBackend, checkBackends, describeMachine } from '../backends/backends.ts';
import { chooseBackend } from '../backends/choose-backend.ts';
import { version } from '../output/version.ts';
import { print } from '../output/print.ts';

/** `ddcl doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('which backends this machine can run, and why not the others')
    .option(
      '--backend <module>',
      'look at a backend of your own too: a path such as ./my-backend.js, or a package with a scope',
    )
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  $ ddcl doctor')
    .action(async ({ json, backend }: { json?: boolean; backend?: string }) => {
      const machine = describeMachine();
      const backends = await checkBackends(backend);
      const chosen = await chooseBackend(autoBackend, undefined);
      chosen.backend.dispose();
      const auto = { takes: chosen.name, reason: chosen.reason ?? null };
      if (json) {
        print(`${JSON.stringify({ ddcl: version, machine, backends, auto })}\n`);
        return;
      }
      const { node, platform, processor, cores, memoryGiB } = machine;
      const lines = [
        `ddcl ${version}, Node ${node}, ${platform}, ${processor}, ${cores} cores, ${memoryGiB} GiB`,
        ...backends.map(
          ({ name, description, runs, detail }) =>
            `${name.padEnd(8)} ${runs ? 'runs' : 'does not run'}: ${detail} (${description})`,
        ),
        `${autoBackend.padEnd(8)} takes ${auto.takes}${auto.reason === null ? '' : `: ${auto.reason}`} (the default of --backend)`,
      ];
      print(`${lines.join('\n')}\n`);
    });
}
