using Kashif.Notifications.Templates;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Notifications.Tests;

/// <summary>Renders the texts that ship with the service, without a database.</summary>
internal static class DefaultTexts
{
    public static TemplateRenderer Renderer() => new ServiceCollection()
        .AddLogging().AddMetrics().AddSingleton(TimeProvider.System).AddSingleton<NotificationMetrics>().AddTemplates()
        .BuildServiceProvider().GetRequiredService<TemplateRenderer>();
}
