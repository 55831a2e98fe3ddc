using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Localization;

namespace Kashif.Localization;

/// <summary>The language of a request.</summary>
public static class LocalizationExtensions
{
    /// <summary>Sets the UI culture from <c>Accept-Language</c>. Before everything that writes problems.</summary>
    public static WebApplication UseRequestLanguage(this WebApplication app)
    {
        var options = new RequestLocalizationOptions
        {
            // Numbers and dates keep their wire format in every language.
            SupportedCultures = [CultureInfo.InvariantCulture],
            SupportedUICultures = [.. Languages.Translated.Append(Languages.English).Select(CultureInfo.GetCultureInfo)],
            DefaultRequestCulture = new RequestCulture(CultureInfo.InvariantCulture, CultureInfo.GetCultureInfo(Languages.English)),
            RequestCultureProviders = [new AcceptLanguageHeaderRequestCultureProvider()],
        };
        app.UseRequestLocalization(options);
        return app;
    }
}
