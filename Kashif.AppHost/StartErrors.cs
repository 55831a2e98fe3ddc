using System.Reflection;

namespace Kashif;

/// <summary>How a start ends that a setting or a taken port prevents.</summary>
internal static class StartErrors
{
    /// <summary>Prints the message of a <see cref="DistributedApplicationException"/> alone, without a stack trace, and exits with 1.</summary>
    public static void ShowPlainly()
    {
        if (Assembly.GetEntryAssembly() != typeof(StartErrors).Assembly)
        {
            return; // a test hosts this and wants the exception
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
