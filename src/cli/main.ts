import { run } from "./program.ts";

// Whoever reads may stop before the end (`| head`): that is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    // A full disk, say: what could not be written cannot be reported there either.
    if (stream === process.stdout)
      console.error(`headstart: cannot write the output: ${error.message}`);
    process.exit(1);
  });
}

process.exitCode = await run(process.argv.slice(2), process);
