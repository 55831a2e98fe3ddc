namespace Kashif;

/// <summary>Named links on the dashboard.</summary>
internal static class NamedUrls
{
    /// <summary>Adds a link to a path of the HTTP endpoint and moves the endpoint's address to the details.</summary>
    public static ResourceUrlsCallbackContext Name(this ResourceUrlsCallbackContext context, string path, string text)
    {
        var endpoint = context.GetEndpoint("http") ?? throw new InvalidOperationException($"{context.Resource.Name} has no HTTP endpoint.");
        foreach (var address in context.Urls.Where(url => url.Endpoint is not null && url.DisplayText is null))
        {
            address.DisplayLocation = UrlDisplayLocation.DetailsOnly;
        }

        context.Urls.Add(new ResourceUrlAnnotation { Url = path, DisplayText = text, Endpoint = endpoint });
        return context;
    }
}
