using System.Net;
using System.Net.Http.Headers;
using Kashif.Http;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Asks Auth whether an account is a customer's: one that customer service has made, and that the person has not taken over. It asks with the caller's own token, so Auth
/// decides whether the caller may know, and Reporting needs no rights of its own.
/// </summary>
internal sealed partial class CustomerAccounts(HttpClient auth, ILogger<CustomerAccounts> logger)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static Error Unknown { get; } = Error.Rule("unknown_customer", "There is no such customer. The person may have taken the account over, or closed it.");

    private static Error Forbidden { get; } = Error.Forbidden("forbidden", "Only customer service and admins can file in the name of a customer, in a session.");

    private static Error Unavailable { get; } = Error.Unavailable("auth_unavailable", "The customer cannot be looked up right now. Try again in a moment.");

    /// <returns>Null if the caller may file in the customer's name.</returns>
    public async Task<Error?> ErrorForAsync(Guid customerId, HttpContext http, CancellationToken cancellationToken)
    {
        if (!(http.User.IsInRole(Security.Roles.Counter) || http.User.IsInRole(Security.Roles.Admin))
            || !AuthenticationHeaderValue.TryParse(http.Request.Headers.Authorization, out var own))
        {
            return Forbidden;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/auth/customers/{customerId}");
            request.Headers.Authorization = own;

            // Only the status: the person's data stay in Auth.
            using var response = await auth.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    return null;
                case HttpStatusCode.NotFound:
                    return Unknown;
                case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    return Forbidden;
                default:
                    NotAnswered(logger, $"status {(int)response.StatusCode}");
                    return Unavailable;
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            NotAnswered(logger, exception.Message);
            return Unavailable;
        }
    }

    [LoggerMessage(EventId = 3150, Level = LogLevel.Warning, Message = "Auth did not say whether an account is a customer's: {Reason}")]
    private static partial void NotAnswered(ILogger logger, string reason);
}
