using System.Reflection;
using Microsoft.AspNetCore.Connections;

namespace Kashif;

/// <summary>Errors of settings and ports at the start.</summary>
internal static class StartErrors
{
    /// <summary>Prints only the message of an unhandled <see cref="DistributedApplicationException"/> or of a taken port, and exits with 1.</summary>
    public static void ShowPlainly()
    {
        if (Assembly.GetEntryAssembly() != typeof(StartErrors).Assembly)
        {
            return; // a test hosts the AppHost and expects the exception
        }

        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            var message = ((unhandled.ExceptionObject as AggregateException)?.InnerException ?? unhandled.ExceptionObject) switch
            {
                DistributedApplicationException exception => exception.Message,
                // Another start took the port after Ports had found it free.
                IOException { InnerException: AddressInUseException } exception => $"{exception.Message} Start again.",
                _ => null,
            };
            if (message is not null)
            {
                Console.Error.WriteLine(message);
                Environment.Exit(1);
            }
        };
    }
}
