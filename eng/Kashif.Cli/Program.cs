using Kashif.Cli;

try
{
    return args switch
    {
        ["status"] => Commands.Status(),
        ["logs", .. var rest] => Commands.Logs(rest),
        ["psql", var service, .. var rest] => Commands.Psql(service, rest),
        ["dead-letters", "list" or "replay", var service] => Commands.DeadLetters(args[1], service),
        ["migrate"] => Commands.Migrate(),
        [var command, ..] => throw new CliException($"Usage: ./kashif {Commands.Usage(command)}"),
        [] => throw new CliException("./kashif help lists the commands."),
    };
}
catch (CliException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
