namespace Kashif;

/// <summary>Links of a resource on the dashboard.</summary>
internal static class NamedUrls
{
    /// <summary>Adds a link to a path of the resource's HTTP endpoint; the endpoint's own address moves to the details.</summary>
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
