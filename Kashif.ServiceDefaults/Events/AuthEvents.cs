namespace Kashif.Events;

public sealed record UserRegistered(Guid UserId, string FullName, string Email, string Language) : IIntegrationEvent
{
    public static string Type => "user.registered";
    string IIntegrationEvent.Subject => UserId.ToString();
}
