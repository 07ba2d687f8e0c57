#!/usr/bin/env node
import { reportUncaught, runCli } from './cli.ts';
import { endIfHeld } from './output/native-work.ts';

reportUncaught();
process.exitCode = await runCli(process.argv);
endIfHeld(process.exitCode);
