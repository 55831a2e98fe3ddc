// Built only if NuGet cannot restore the package FirebaseAdmin (FirebaseAdminFrom in Directory.Build.props).
// Has only the members of the package that Kashif uses. The enums are complete, because FCM may return any value.

namespace FirebaseAdmin
{
    public enum ErrorCode
    {
        InvalidArgument,
        FailedPrecondition,
        OutOfRange,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        Conflict,
        Aborted,
        AlreadyExists,
        ResourceExhausted,
        Cancelled,
        DataLoss,
        Unknown,
        Internal,
        Unavailable,
        DeadlineExceeded,
    }

    public class FirebaseException : Exception
    {
        internal FirebaseException(ErrorCode code, string message, Exception inner, HttpResponseMessage response)
            : base(message, inner)
        {
            ErrorCode = code;
            HttpResponse = response;
        }

        public ErrorCode ErrorCode { get; }

        public HttpResponseMessage HttpResponse { get; }
    }
}

namespace FirebaseAdmin.Messaging
{
    public enum MessagingErrorCode
    {
        ThirdPartyAuthError,
        InvalidArgument,
        Internal,
        QuotaExceeded,
        SenderIdMismatch,
        Unavailable,
        Unregistered,
    }

    public sealed class FirebaseMessagingException : FirebaseException
    {
        internal FirebaseMessagingException(
            ErrorCode code, string message, MessagingErrorCode? messagingCode = null, Exception inner = null, HttpResponseMessage response = null)
            : base(code, message, inner, response) =>
            MessagingErrorCode = messagingCode;

        public MessagingErrorCode? MessagingErrorCode { get; }
    }
}
