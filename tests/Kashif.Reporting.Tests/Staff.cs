using Kashif.Reporting.Agencies;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Agencies and their employees, for tests.</summary>
internal static class Staff
{
    extension(ReportingService service)
    {
        /// <summary>Adds an agency.</summary>
        public Task<Guid> AgencyAsync() => service.QueryAsync(async database =>
        {
            var agency = new Agency { Id = Guid.CreateVersion7(), NameEn = $"Roads {Guid.CreateVersion7():N}", NameAr = "الطرق", CreatedAt = TimeProvider.System.GetUtcNow() };
            database.Add(agency);
            await database.SaveChangesAsync(Cancelled);
            return agency.Id;
        });

        /// <summary>Says that an account is one of the staff, like Auth's event.</summary>
        public Task<Guid> StaffAccountAsync() => service.QueryAsync(async database =>
        {
            var account = new StaffAccount { UserId = Guid.CreateVersion7(), IsStaff = true, ChangedAt = TimeProvider.System.GetUtcNow().AddMinutes(-1) };
            database.Add(account);
            await database.SaveChangesAsync(Cancelled);
            return account.UserId;
        });

        /// <summary>Adds a member of staff to the register.</summary>
        public async Task<(HttpClient Client, Guid Id)> EmployAsync(Guid? agency, Job job = Job.Dispatcher)
        {
            var user = await service.StaffAccountAsync();
            await service.QueryAsync(database =>
            {
                database.Add(new Employee { UserId = user, Name = "Rana Khalil", AgencyId = agency, Job = job, CreatedAt = TimeProvider.System.GetUtcNow() });
                return database.SaveChangesAsync(Cancelled);
            });
            return (service.Host.As(user, Roles.Staff), user);
        }

        /// <summary>Files a report that an agency works on. Routed by hand: the changes of areas of other tests leave it.</summary>
        public async Task<Guid> FileForAsync(Guid? agency, HttpClient? reporter = null)
        {
            var report = (reporter is null ? await service.FileAsync() : await reporter.FileAsync()).Id;
            await service.QueryAsync(database => database.Reports.Where(row => row.Id == report)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.AgencyId, agency).SetProperty(row => row.RoutedByHand, agency != null), Cancelled));
            return report;
        }
    }

    /// <summary>Sends a body with <c>If-Match</c>.</summary>
    public static async Task<(int Status, System.Text.Json.JsonElement Body)> SendIfMatchAsync(this HttpClient client, HttpMethod method, string path, string tag, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : System.Net.Http.Json.JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("If-Match", tag);
        using var response = await client.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, response.Content.Headers.ContentLength == 0 ? default : await response.JsonAsync());
    }
}
