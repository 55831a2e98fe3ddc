using System.Reflection;

namespace Kashif;

/// <summary>Errors of settings and ports at the start.</summary>
internal static class StartErrors
{
    /// <summary>Prints only the message of an unhandled <see cref="DistributedApplicationException"/> and exits with 1.</summary>
    public static void ShowPlainly()
    {
        if (Assembly.GetEntryAssembly() != typeof(StartErrors).Assembly)
        {
            return; // a test hosts the AppHost and expects the exception
        }

        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            if (unhandled.ExceptionObject is DistributedApplicationException exception)
            {
                Console.Error.WriteLine(exception.Message);
                Environment.Exit(1);
            }
        };
    }
}
