using System.Globalization;
using Kashif.Cli;
using Kashif.Cli.Demo;
using StreamJsonRpc;

try
{
    return args switch
    {
        ["watch", var appHost] => await Commands.WatchAsync(int.Parse(appHost, CultureInfo.InvariantCulture)),
        ["status"] => await Commands.StatusAsync(),
        ["stop"] => await Commands.StopAsync(),
        ["logs", .. var rest] => await Commands.LogsAsync(rest),
        ["psql", var service, .. var rest] => await Commands.PsqlAsync(service, rest),
        ["dead-letters", "list" or "replay", var service, .. var options] => await Commands.DeadLettersAsync(args[1], service, options),
        ["migrate"] => await Commands.MigrateAsync(),
        ["seed", "reports", var count] => await ReportSeed.RunAsync(count),
        ["seed", ..] => throw new CliException("Usage: ./kashif seed reports <count>"),
        ["demo", .. var rest] => await DemoCommand.RunAsync(rest),
        ["verify-ledger"] => await Commands.VerifyLedgerAsync(),
        ["psql"] => throw new CliException($"Name a service: ./kashif psql <service>. Services: {Commands.ServiceNames}."),
        ["dead-letters", ..] => throw new CliException($"Usage: ./kashif dead-letters list|replay <service> [--type T] [--exception E] [--id ID] [--data JSON]. Services: {Commands.ServiceNames}."),
        _ => throw new CliException($"Unknown command or missing argument: '{string.Join(' ', args)}'. ./kashif help lists the commands."),
    };
}
catch (CliException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
catch (ConnectionLostException)
{
    await Console.Error.WriteLineAsync("The AppHost has ended.");
    return 1;
}
