using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Deletion;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Customers;

/// <summary>A person who reports by phone or at the counter.</summary>
/// <param name="FullName" example="Amina Haddad">The person's name.</param>
/// <param name="Language" example="ar">The language of mails to the person.</param>
/// <param name="Phone" example="+963 11 123 4567">Digits with optional spaces, brackets, dots, hyphens and a leading plus; null if there is none.</param>
/// <param name="Email" example="amina@example.org">The e-mail address, at most 254 characters; null if there is none. No mail is sent there before an invitation.</param>
public sealed record CreateCustomerRequest(
    [Name(User.MaxNameLength)] string FullName,
    [AllowedValues(Languages.English, Languages.Arabic, ErrorMessage = "Must be en or ar.")] string Language,
    [PhoneNumber] string? Phone = null,
    [Email] string? Email = null);

/// <summary>Fields that are left out do not change.</summary>
/// <param name="FullName" example="Amina Haddad">The new name, not blank.</param>
/// <param name="Language" example="ar">The language of mails to the person.</param>
/// <param name="Phone" example="+963 11 123 4567">The new phone number. An empty string removes it.</param>
/// <param name="Email" example="amina@example.com">The new address. An empty string removes it. Links that were sent to the former one stop working.</param>
public sealed record ChangeCustomerRequest(
    [Name(User.MaxNameLength)] string? FullName = null,
    [AllowedValues(Languages.English, Languages.Arabic, null, ErrorMessage = "Must be en or ar.")] string? Language = null,
    [PhoneNumber] string? Phone = null,
    [Email(AllowEmpty = true)] string? Email = null);

/// <summary>Where to send the link.</summary>
/// <param name="Email" example="amina@example.org">The person's address; it becomes the customer's. Have it spelled: the link opens the account.</param>
public sealed record InviteCustomerRequest([Email] string Email);

/// <summary>A link to take an account over, and the password for it.</summary>
/// <param name="Token" example="u3o4EXAMPLEexampleEXAMPLE">The token in the link of the e-mail, after `#token=`.</param>
/// <param name="Password" example="a long enough password">8 to 256 characters, and not a common password.</param>
public sealed record TakeOverRequest([Text(Invitations.MaxTokenLength)] string Token, [Password] string Password);

/// <summary>A customer, whose account is not taken over yet.</summary>
/// <param name="Id">The person's user id, for `on_behalf_of` of a report.</param>
/// <param name="FullName" example="Amina Haddad">The person's name.</param>
/// <param name="Phone" example="+963 11 123 4567">The phone number; null if there is none.</param>
/// <param name="Email" example="amina@example.org">The e-mail address, not verified; null if there is none.</param>
/// <param name="Language" example="ar">The language of mails to the person.</param>
/// <param name="CreatedAt">When customer service made the account.</param>
/// <param name="InvitedAt" example="2026-11-20T08:30:00Z">When the last link to take the account over was sent; null if none was.</param>
/// <param name="Version" example="1">1 when created, incremented at each change: the `ETag`.</param>
internal sealed record CustomerResponse(
    Guid Id, string FullName, string? Phone, string? Email, [property: Values(typeof(Languages))] string Language, DateTimeOffset CreatedAt, DateTimeOffset? InvitedAt, int Version)
{
    public static CustomerResponse Of(Customer customer) => new(
        customer.Id, customer.FullName, customer.PhoneNumber, customer.Email, customer.Language, customer.CreatedAt, customer.InvitedAt, customer.Version);
}

/// <summary>The filters of the list.</summary>
public sealed class CustomerQuery
{
    /// <summary>Words that all occur in the name, the e-mail address or the digits of the phone number, in upper or lower case.</summary>
    /// <example>amina</example>
    [FromQuery(Name = "q"), Text(EmailAddress.MaxLength)]
    public string? Query { get; set; }
}

/// <summary>Customer service makes, corrects and closes the accounts of people who report by phone or at the counter; these take them over by an e-mailed link.</summary>
internal static class CustomerEndpoints
{
    /// <summary>Fewer digits would be in most phone numbers.</summary>
    private const int FewestDigits = 3;

    private static readonly RequestHeader IfMatch = VersionConditions.IfMatch("customer");

    private static readonly Dictionary<string, string> WireNames = new()
    {
        [nameof(Customer.FullName)] = "full_name",
        [nameof(Customer.PhoneNumber)] = "phone",
        [nameof(Customer.Email)] = "email",
        [nameof(Customer.Language)] = "language",
    };

    private static Error NotFound { get; } = Error.NotFound("Customer not found. The person may have taken the account over.");

    private static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The customer's version does not match If-Match. Read the customer again.");

    private static Error TooManyInvitations { get; } = Error.TooMany("too_many_emails", "Too many links were sent to this customer. Try again in an hour.");

    public static void MapCustomers(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/customers").WithTags("Customers").RequireAuthorization(Policies.Counter, Policies.Session);
        group.MapGet("", ListAsync).WithName("ListCustomers").WithSummary("List customers, newest first")
            .WithDescription("Only accounts that customer service has made and no one has taken over yet.");
        group.MapPost("", CreateAsync).WithIdempotency().WithName("CreateCustomer").WithSummary("Create an account for a customer")
            .WithDescription("It has no password and cannot sign in until the person takes it over.").WithProblems(409, "email_taken");
        group.MapGet("/{id:guid}", GetAsync).WithName("GetCustomer").WithSummary("Get a customer").WithProblems(404, "not_found");
        group.MapPatch("/{id:guid}", ChangeAsync).WithName("ChangeCustomer").WithSummary("Correct a customer's data")
            .WithMetadata(IfMatch).WithProblems(404, "not_found").WithProblems(409, "email_taken").WithProblems(412, "precondition_failed");
        group.MapDelete("/{id:guid}", CloseAsync).WithName("CloseCustomer").WithSummary("Close a customer's account and erase the data in all services")
            .WithDescription("At the person's request. As when users delete their account, reports stay without the name.")
            .WithMetadata(IfMatch).WithProblems(404, "not_found").WithProblems(412, "precondition_failed");
        group.MapPost("/{id:guid}/invite", InviteAsync).WithIdempotency().WithName("InviteCustomer").WithSummary("Send a customer a link to take the account over")
            .WithDescription($"The link works once, within {Invitations.Lifetime.TotalDays:0} days, and replaces former ones. At most {Invitations.MaxPerHour} links an hour.")
            .WithProblems(404, "not_found").WithProblems(409, "email_taken").WithProblems(429, "too_many_emails");
        endpoints.MapPost("/take-over", TakeOverAsync).AllowAnonymous().WithTags("Accounts").WithName("TakeOverAccount").WithSummary("Take over my account from customer service")
            .WithDescription("Sets the password and verifies the address. Everything filed in the person's name stays. Customer service can no longer change the account.")
            .WithProblems(409, "email_taken").WithProblems(422, "invalid_token");
    }

    private static async Task<Results<Ok<Page<CustomerResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] CustomerQuery query, [AsParameters] PageRequest page, AuthDbContext database, CancellationToken cancellationToken)
    {
        var before = default(Guid);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var customers = database.Customers.AsNoTracking();
        if (page.Cursor is not null)
        {
            customers = customers.Where(customer => customer.Id < before);
        }

        foreach (var word in query.Query?.Normalize().Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
        {
            var pattern = $"%{SearchWords.Escape(word)}%";
            var digits = string.Concat(Digits.ToAscii(word).Where(char.IsAsciiDigit));
            var phone = digits.Length >= FewestDigits ? $"%{digits}%" : null;
            customers = customers.Where(customer => EF.Functions.ILike(customer.FullName, pattern, "\\")
                || (customer.Email != null && EF.Functions.ILike(customer.Email, pattern, "\\"))
                || (phone != null && customer.PhoneDigits != null && EF.Functions.Like(customer.PhoneDigits, phone)));
        }

        var rows = await customers.OrderByDescending(customer => customer.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, CustomerResponse.Of, last => Cursor.Encode(last.Id)));
    }

    /// <param name="id">The customer's id.</param>
    private static async Task<Results<Ok<CustomerResponse>, ProblemHttpResult>> GetAsync(Guid id, HttpContext http, AuthDbContext database, CancellationToken cancellationToken) =>
        await database.Customers.AsNoTracking().SingleOrDefaultAsync(customer => customer.Id == id, cancellationToken) is { } found ? Shown(found, http) : NotFound.ToProblem();

    private static async Task<Results<Created<CustomerResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateCustomerRequest request, HttpContext http, AuthDbContext database, UnitOfWork work, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var now = time.GetUtcNow();
        var customer = new Customer
        {
            Id = Guid.CreateVersion7(now),
            FullName = request.FullName.Trim().Normalize(),
            PhoneNumber = PhoneNumberAttribute.Clean(request.Phone),
            Language = request.Language,
            CreatedAt = now,
        };
        if (request.Email is { } email && !await TrySetEmailAsync(customer, email, database, cancellationToken))
        {
            return EmailProblems.Taken.ToProblem();
        }

        database.Customers.Add(customer);
        audit.Record(customer.Id, AuditActions.CustomerCreated);
        http.SendVersion(customer.Version);
        return await work.CommitAsync(TypedResults.Created($"/api/v1/auth/customers/{customer.Id}", CustomerResponse.Of(customer)), cancellationToken);
    }

    /// <param name="id">The customer's id.</param>
    private static async Task<Results<Ok<CustomerResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeCustomerRequest request, HttpContext http, AuthDbContext database, AuditLog audit, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (EmailAddress.Clean(request.Email ?? "") is { Length: > 0 } email)
        {
            await database.LockEmailAsync(EmailAddress.Normalize(email), cancellationToken); // before the row, as everywhere
        }

        if (await LockAsync(id, database, cancellationToken) is not { } customer)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(customer.Version))
        {
            return Stale.ToProblem();
        }

        customer.FullName = request.FullName?.Trim().Normalize() ?? customer.FullName;
        customer.Language = request.Language ?? customer.Language;
        customer.PhoneNumber = request.Phone is { } phone ? PhoneNumberAttribute.Clean(phone) : customer.PhoneNumber;
        if (request.Email is { } wanted && !await TrySetEmailAsync(customer, wanted, database, cancellationToken))
        {
            return EmailProblems.Taken.ToProblem();
        }

        var changed = database.Entry(customer).Properties.Where(property => property.IsModified)
            .Select(property => WireNames.GetValueOrDefault(property.Metadata.Name)).OfType<string>().Order(StringComparer.Ordinal).ToArray();
        if (changed is not [])
        {
            customer.Version++;
            audit.Record(id, AuditActions.CustomerChanged, new Dictionary<string, string> { ["fields"] = string.Join(' ', changed) });
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        return Shown(customer, http);
    }

    /// <param name="id">The customer's id.</param>
    private static async Task<Results<Accepted<DeletionResponse>, ProblemHttpResult>> CloseAsync(
        Guid id, HttpContext http, AuthDbContext database, AccountErasure erasure, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(id, database, cancellationToken) is not { } customer)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(customer.Version))
        {
            return Stale.ToProblem();
        }

        await database.Customers.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken);
        database.ChangeTracker.Clear();
        var begun = await erasure.EraseAsync(id, customer.CreatedAt, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Accepted($"/api/v1/auth/deletions/{begun.Id}", await DeletionEndpoints.DescribeAsync(begun, database, cancellationToken));
    }

    /// <param name="id">The customer's id.</param>
    private static async Task<Results<Accepted, ValidationProblem, ProblemHttpResult>> InviteAsync(
        Guid id, InviteCustomerRequest request, HttpContext http, AuthDbContext database, UnitOfWork work, Invitations invitations, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        await database.LockEmailAsync(EmailAddress.Normalize(request.Email), cancellationToken); // before the row, as everywhere
        if (await LockAsync(id, database, cancellationToken) is not { } customer)
        {
            return NotFound.ToProblem();
        }

        if (!await TrySetEmailAsync(customer, request.Email, database, cancellationToken))
        {
            return EmailProblems.Taken.ToProblem();
        }

        if (!await invitations.TryAddAsync(customer, cancellationToken))
        {
            http.Response.Headers.RetryAfter = "3600";
            return TooManyInvitations.ToProblem();
        }

        return await work.CommitAsync(TypedResults.Accepted((string?)null), cancellationToken);
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> TakeOverAsync(
        TakeOverRequest request, TakeOver takeOver, CancellationToken cancellationToken) =>
        await takeOver.UseAsync(request.Token, request.Password, cancellationToken) is { } error ? error.ToProblem() : TypedResults.NoContent();

    /// <param name="email">Empty for none.</param>
    /// <returns>False if another account has the address. It stays locked until the transaction ends.</returns>
    private static async Task<bool> TrySetEmailAsync(Customer customer, string email, AuthDbContext database, CancellationToken cancellationToken)
    {
        if (EmailAddress.Clean(email) is not { Length: > 0 } clean)
        {
            (customer.Email, customer.NormalizedEmail) = (null, null);
            return true;
        }

        var normalized = EmailAddress.Normalize(clean);
        await database.LockEmailAsync(normalized, cancellationToken);
        if (await CustomerEmails.IsTakenAsync(database, normalized, except: customer.Id, cancellationToken))
        {
            return false;
        }

        (customer.Email, customer.NormalizedEmail) = (clean, normalized);
        return true;
    }

    private static async Task<Customer?> LockAsync(Guid id, AuthDbContext database, CancellationToken cancellationToken) =>
        (await database.Customers.FromSql($"SELECT * FROM customers WHERE id = {id} FOR UPDATE").ToListAsync(cancellationToken)).SingleOrDefault();

    private static Ok<CustomerResponse> Shown(Customer customer, HttpContext http)
    {
        http.SendVersion(customer.Version);
        return TypedResults.Ok(CustomerResponse.Of(customer));
    }
}

/// <summary>The addresses of customers: one belongs to one account.</summary>
internal static class CustomerEmails
{
    /// <summary>Whether a user or another customer has the address. Call it with the address locked (<see cref="AuthDbContext.LockEmailAsync"/>).</summary>
    public static async Task<bool> IsTakenAsync(AuthDbContext database, string normalizedEmail, Guid except, CancellationToken cancellationToken) =>
        await database.Users.AnyAsync(user => user.NormalizedEmail == normalizedEmail && user.Id != except, cancellationToken)
        || await database.Customers.AnyAsync(customer => customer.NormalizedEmail == normalizedEmail && customer.Id != except, cancellationToken);
}
